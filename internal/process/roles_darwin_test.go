package process

func playLast(string, []string) int { return 99 }
