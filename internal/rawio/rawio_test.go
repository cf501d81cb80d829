//go:build unix

package rawio_test

import (
	"bytes"
	"errors"
	"syscall"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/rawio"
)

// Bytes, what is not there yet, what there is no room for, the end and a closed descriptor
// are told as the ordinary calls tell them.
func TestReadAndWriteAreTheOrdinaryOnes(t *testing.T) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	here, there := fds[0], fds[1]
	for _, fd := range fds {
		if err := syscall.SetNonblock(fd, true); err != nil {
			t.Fatal(err)
		}
	}
	buf := make([]byte, 64<<10)
	if n, err := rawio.Read(here, buf); n != -1 || !errors.Is(err, syscall.EAGAIN) {
		t.Error(n, err)
	}
	said := []byte("a token")
	if n, err := rawio.Write(there, said); n != len(said) || err != nil {
		t.Error(n, err)
	}
	if n, err := rawio.Write(there, nil); n != 0 || err != nil {
		t.Error(n, err)
	}
	if n, err := rawio.Read(here, buf); n != len(said) || err != nil || !bytes.Equal(buf[:n], said) {
		t.Error(n, err)
	}
	for err = error(nil); err == nil; {
		_, err = rawio.Write(there, buf)
	}
	if !errors.Is(err, syscall.EAGAIN) {
		t.Error(err)
	}
	if err := syscall.Close(there); err != nil {
		t.Fatal(err)
	}
	n := 1
	for err = nil; n > 0 && err == nil; {
		n, err = rawio.Read(here, buf)
	}
	if n != 0 || err != nil {
		t.Error("no end:", n, err)
	}
	if err := syscall.Close(here); err != nil {
		t.Fatal(err)
	}
	if n, err := rawio.Read(here, buf); n != -1 || !errors.Is(err, syscall.EBADF) {
		t.Error(n, err)
	}
}
