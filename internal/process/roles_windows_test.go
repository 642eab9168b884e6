package process

import "os"

func callerSignals() []os.Signal { return []os.Signal{os.Interrupt} }

func guardOf(*Tree) int { return 0 }

func playMore(string, []string) int { return 99 }
