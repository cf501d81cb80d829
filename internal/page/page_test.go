package page_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"sync"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/page"
)

const (
	alice    = "own_019b7a60-0000-7000-8000-000000000001"
	bob      = "own_019b7a60-0000-7000-8000-000000000002"
	position = "020260102T150405.000000,con_019b7a60-0000-7000-8000-000000000000"
)

func signer(b byte) *page.Signer { return page.NewSigner(bytes.Repeat([]byte{b}, 32)) }

// refused checks that a list refuses a cursor on its field, in words that hold part.
func refused(t *testing.T, l page.List, cursor, part string) {
	t.Helper()
	a, err := l.Args(nil, &cursor)
	list, ok := fault.Of(err)
	if !ok || list[0].Code != fault.Invalid || strings.Join(list[0].Field, ".") != "after" || !strings.Contains(list[0].Message, part) || a.After != "" {
		t.Errorf("%q: %+v, %v", cursor, a, err)
	}
}

func TestACursorLeadsBackToItsPosition(t *testing.T) {
	l := signer(1).List(alice, "conversations")
	for _, want := range []string{position, "x", strings.Repeat("long ", 50)} {
		cursor := l.Cursor(want)
		if again := signer(1).List(alice, "conversations").Cursor(want); again != cursor {
			t.Errorf("another instance makes %s of %s", again, cursor)
		}
		if a, err := l.Args(nil, &cursor); err != nil || a.After != want || a.Size != page.DefaultSize {
			t.Errorf("%+v, %v", a, err)
		}
	}
	empty, size := "", 100
	if a, err := l.Args(&size, &empty); err != nil || a.After != "" || a.Size != 100 {
		t.Errorf("the first page: %+v, %v", a, err)
	}
	for _, size := range []int{0, -1, 101} {
		if _, err := l.Args(&size, nil); !fault.Is(err, fault.Invalid) {
			t.Errorf("first %d: %v", size, err)
		}
	}
}

// T19, R-AUTHZ: a cursor of another owner, another list, another list's parent or another
// installation is refused, and so is every one that was changed.
func TestForeignAndForgedCursorsAreRefused(t *testing.T) {
	s := signer(1)
	l := s.List(alice, "branch", "con_1")
	cursor := l.Cursor(position)
	for _, other := range []page.List{
		s.List(bob, "branch", "con_1"), s.List(alice, "branch", "con_2"), s.List(alice, "branch"), s.List(alice, "ledgerEntries"),
		s.List("", "branch", "con_1"), s.List("con_1"+alice, "branch"), signer(2).List(alice, "branch", "con_1"),
	} {
		refused(t, other, cursor, "not one of this list")
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		t.Fatal(err)
	}
	for i := range b {
		changed := bytes.Clone(b)
		changed[i] ^= 1
		refused(t, l, base64.RawURLEncoding.EncodeToString(changed), "leave it out for the first page")
		refused(t, l, base64.RawURLEncoding.EncodeToString(b[:max(i, 1)]), "leave it out for the first page")
	}
	for _, c := range []string{"x", "!", cursor + "A", cursor + "=", cursor[:10] + "\n" + cursor[10:], strings.Repeat("A", 1<<20), "con_1", "' OR 1=1 --"} {
		refused(t, l, c, "not one of this list")
	}
}

// Cursors of before they were signed are refused in words of their own.
func TestUnsignedCursorsAreRefused(t *testing.T) {
	refused(t, signer(1).List(alice, "mails"), base64.RawURLEncoding.EncodeToString([]byte("c1:"+position)), "earlier version")
}

func FuzzCursor(f *testing.F) {
	l := signer(1).List(alice, "conversations")
	f.Add(l.Cursor(position))
	f.Fuzz(func(t *testing.T, cursor string) {
		a, err := l.Args(nil, &cursor)
		if err == nil && a.After != "" && l.Cursor(a.After) != cursor {
			t.Errorf("%q was taken for %q", cursor, a.After)
		}
	})
}

// A list may be read by several goroutines.
func TestCursorsAtTheSameTime(t *testing.T) {
	l := signer(1).List(alice, "conversations")
	want := l.Cursor(position)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				if got := l.Cursor(position); got != want {
					t.Errorf("%s instead of %s", got, want)
				}
			}
		})
	}
	all.Wait()
}

// The cursors of a page.
func BenchmarkCursors(b *testing.B) {
	l := signer(1).List(alice, "conversations")
	b.ReportAllocs()
	for b.Loop() {
		for range page.DefaultSize {
			_ = l.Cursor(position)
		}
	}
}
