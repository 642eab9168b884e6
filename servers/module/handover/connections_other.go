//go:build !linux

package handover

func hasConnection([]int, []int) (found, known bool) { return false, false }
