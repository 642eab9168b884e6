package settings

import (
	"math"
	"testing"
	"time"
)

func TestParseTimeSpan(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"00:02:00":                   2 * time.Minute,
		" 0:2 ":                      2 * time.Minute,
		"23:59:59.9999999":           day - tick,
		"1.02:03":                    day + 2*time.Hour + 3*time.Minute,
		"1.02:03:04":                 day + 2*time.Hour + 3*time.Minute + 4*time.Second,
		"1.02:03:04.5":               day + 2*time.Hour + 3*time.Minute + 4*time.Second + 500*time.Millisecond,
		"1:02:03:04":                 day + 2*time.Hour + 3*time.Minute + 4*time.Second,
		"1:02:03:04.0000001":         day + 2*time.Hour + 3*time.Minute + 4*time.Second + tick,
		"10":                         10 * day,
		"24:00:00":                   24 * day,
		"30:23:59":                   30*day + 23*time.Hour + 59*time.Minute,
		"-00:00:00.0010000":          -time.Millisecond,
		"-1":                         -day,
		"106750.23:59:59":            106751*day - time.Second,
		"106751.00:00:00":            math.MaxInt64,
		"10675199.02:48:05.4775807":  math.MaxInt64,
		"-10675199.02:48:05.4775807": -math.MaxInt64,
	} {
		if got, ok := parseTimeSpan(text); !ok || got != want {
			t.Errorf("%q is %v, %v, want %v", text, got, ok, want)
		}
	}
	for _, text := range []string{
		"", "-", ":", "2m", "1.5", "24:00", "0:60", "0:0:60", "0.24:00:00", "24:00:00.0", "24:60:00", "24:00:60", "1.2.3:4", "1:2.3", "1:2:3:4:5",
		"1.2:3:4:5", "0:0:0.", "0:0:0.12345678", "0:0:0.x", "0:0:0.+1", "+1", "--1", "- 1", "1 :2", "1:+2", "10675200", "99999999999", "00:00:1_0",
	} {
		if got, ok := parseTimeSpan(text); ok {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}

func FuzzTimeSpan(f *testing.F) {
	for _, text := range []string{"1.02:03:04.5", "24:00:00", "-00:00:00.0010000", "10", "1:2:3:4"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, ok := parseTimeSpan(text)
		if !ok || d < 0 || d == math.MaxInt64 {
			return
		}
		if again, ok := parseTimeSpan(formatTimeSpan(d)); !ok || again != d {
			t.Errorf("%q is %v, printed as %q, which is %v, %v", text, d, formatTimeSpan(d), again, ok)
		}
	})
}

func TestParseNumbers(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"1": 1, " +1 ": 1, "-1": -1, "0x1F": 31, "&hff": 255, "#a": 10, "007": 7, "9223372036854775807": math.MaxInt64} {
		if got, err := parseInteger(text); err != nil || got != want {
			t.Errorf("%q is %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "1.0", "1e3", "1_0", "1,000", "0x", "#", "0x-1", "0x+1", "9223372036854775808", "one"} {
		if got, err := parseInteger(text); err == nil {
			t.Errorf("%q is read as %d", text, got)
		}
	}
	for text, want := range map[string]float64{"240": 240, " 1e2 ": 100, ".5": .5} {
		if got, ok := parseFloat(text); !ok || got != want {
			t.Errorf("%q is %v, %v, want %v", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "Infinity", "NaN", "1e999", "0x1p4", "1_0"} {
		if got, ok := parseFloat(text); ok {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}
