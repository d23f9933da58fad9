package relay

import "net"

// scarce and freed: Windows has no limit of handles that a relay could reach.
func scarce(net.Conn) bool { return false }
func freed() bool          { return true }
