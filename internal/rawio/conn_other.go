//go:build !unix

package rawio

import "net"

// Listen is l: descriptors are not to be had here.
func Listen(l net.Listener) net.Listener { return l }

// Conn is c.
func Conn(c net.Conn) net.Conn { return c }
