// Package closest finds the word that was meant by a mistyped one. It is pure.
package closest

import "strings"

// Word returns the one of known that is nearest to word when case is ignored, or "" where none is near: at most one
// edit (a letter added, left out, replaced, or two swapped) for every three letters of word that are begun.
func Word(word string, known []string) string {
	best, limit := "", (len([]rune(word))+2)/3+1
	for _, k := range known {
		if d := Distance(strings.ToLower(word), strings.ToLower(k)); d < limit {
			best, limit = k, d
		}
	}
	return best
}

// Distance counts the edits from a to b: the optimal string alignment distance, in characters, case regarded.
func Distance(a, b string) int {
	s, t := []rune(a), []rune(b)
	before, previous, current := make([]int, len(t)+1), make([]int, len(t)+1), make([]int, len(t)+1)
	for j := range previous {
		previous[j] = j
	}
	for i := 1; i <= len(s); i++ {
		current[0] = i
		for j := 1; j <= len(t); j++ {
			cost := 1
			if s[i-1] == t[j-1] {
				cost = 0
			}
			current[j] = min(previous[j]+1, current[j-1]+1, previous[j-1]+cost)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				current[j] = min(current[j], before[j-2]+1)
			}
		}
		before, previous, current = previous, current, before
	}
	return previous[len(t)]
}
