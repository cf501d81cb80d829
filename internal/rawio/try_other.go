//go:build !unix

package rawio

import "net"

// Try writes nothing: descriptors are not to be had here.
type Try struct{}

// NewTry is nil.
func NewTry(net.Conn) *Try { return nil }

// Write is not called: there is no Try.
func (*Try) Write([]byte) int { return 0 }
