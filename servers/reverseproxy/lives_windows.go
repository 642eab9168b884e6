package reverseproxy

// lives is never asked on Windows, which has no such front.
func lives(int) bool { return false }
