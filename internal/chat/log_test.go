package chat

import (
	"context"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kimi-k2/kimi-k2/models"
)

// drawParts draws what an engine may send: stretches of text and reasoning of whole runes.
func drawParts(t *rapid.T) []part {
	return rapid.SliceOf(rapid.Custom(func(t *rapid.T) part {
		return part{kind(rapid.IntRange(0, 1).Draw(t, "kind")), rapid.StringOfN(rapid.RuneFrom([]rune("aé中🙂\n")), 1, 6, -1).Draw(t, "text")}
	})).Draw(t, "parts")
}

func joined(parts []part, k kind) string {
	var b strings.Builder
	for _, p := range parts {
		if p.kind == k {
			b.WriteString(p.text)
		}
	}
	return b.String()
}

// A follower that reads now and then gets every byte once and in order, with rising seq.
func TestReadsAtAnyPaceGiveTheWholeLog(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := drawParts(t)
		epoch := rapid.IntRange(0, maxEpoch).Draw(t, "epoch")
		l := newLog("own", epoch)
		at := seqOf(epoch, 0)
		var got []part
		read := func() {
			for {
				p := l.read(at)
				if p.gap || p.replaced {
					t.Fatalf("a gap at %d", at)
				}
				if p.text == "" {
					return
				}
				if p.seq <= at {
					t.Fatalf("seq %d after %d", p.seq, at)
				}
				got = append(got, part{p.kind, p.text})
				at = p.seq
			}
		}
		for _, p := range parts {
			if !l.append(p.kind, p.text) {
				t.Fatal("refused")
			}
			if rapid.Bool().Draw(t, "read now") {
				read()
			}
		}
		read()
		for _, k := range []kind{kindText, kindReasoning} {
			if joined(got, k) != joined(parts, k) {
				t.Fatalf("kind %d: %q, want %q", k, joined(got, k), joined(parts, k))
			}
		}
		l.finish(ending{Status: models.MessageComplete})
		if p := l.read(at); p.end == nil || p.end.Status != models.MessageComplete {
			t.Fatal("no end")
		}
		_, text, reasoning, status := l.content()
		if text != joined(parts, kindText) || reasoning != joined(parts, kindReasoning) || status != models.MessageComplete {
			t.Fatal("content differs")
		}
	})
}

// Chunks that are lost, doubled and reordered on the way leave a replica that is asked
// for the rest with the same content.
func TestReplicaSurvivesLossDoublingAndReordering(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := drawParts(t)
		owner, replica := newLog("own", 3), newLog("own", 0)
		replica.replica = true
		var mail []chunk
		sent := seqOf(3, 0)
		for _, p := range parts {
			owner.append(p.kind, p.text)
			c := owner.chunkAfter(sent)
			sent, _, _, _ = owner.content()
			mail = append(mail, c)
			if rapid.IntRange(0, 9).Draw(t, "fate") < 3 {
				continue // lost for now, perhaps delivered late
			}
			i := rapid.IntRange(0, len(mail)-1).Draw(t, "which")
			replica.apply(mail[i])
		}
		seq, _, _, _ := replica.content()
		replica.apply(owner.chunkAfter(seq)) // what an ask brings
		seq, text, reasoning, _ := replica.content()
		wantSeq, wantText, wantReasoning, _ := owner.content()
		if seq != wantSeq || text != wantText || reasoning != wantReasoning {
			t.Fatalf("replica %d %q %q, owner %d %q %q", seq, text, reasoning, wantSeq, wantText, wantReasoning)
		}
	})
}

func TestChunksAreBoundedAndCutBetweenRunes(t *testing.T) {
	owner, replica := newLog("own", 0), newLog("own", 0)
	text := strings.Repeat("中🙂é", chunkBytes/3)
	owner.append(kindReasoning, "so")
	owner.append(kindText, text)
	for n := 0; ; n++ {
		seq, _, _, _ := replica.content()
		c := owner.chunkAfter(seq)
		size := 0
		for _, p := range c.Parts {
			size += len(p.Text)
		}
		if size > chunkBytes || n > 100 {
			t.Fatalf("chunk %d has %d bytes", n, size)
		}
		if !replica.apply(c) {
			t.Fatal("a hole")
		}
		if !c.More {
			break
		}
	}
	if _, got, _, _ := replica.content(); got != text {
		t.Fatalf("%d bytes, want %d", len(got), len(text))
	}
}

func TestStoredPiecesDecodeToWhatWasEncoded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := drawParts(t)
		got, err := decodeParts(encodeParts(parts))
		if err != nil || joined(got, kindText) != joined(parts, kindText) || joined(got, kindReasoning) != joined(parts, kindReasoning) {
			t.Fatal(err)
		}
		junk := rapid.SliceOf(rapid.Byte()).Draw(t, "junk")
		_, _ = decodeParts(junk) // whatever it is, it must not panic
	})
}

func TestPositionsOfAnotherEpochOrInsideARuneAreGaps(t *testing.T) {
	l := newLog("own", 2)
	l.append(kindText, "é")
	for _, seq := range []int{seqOf(1, 1), seqOf(3, 0), seqOf(2, 1), seqOf(2, 3)} {
		if !l.read(seq).gap {
			t.Errorf("%d was read", seq)
		}
	}
	if !l.beyond(seqOf(2, 3)) || !l.beyond(seqOf(3, 0)) || l.beyond(seqOf(2, 2)) || l.beyond(seqOf(1, 900)) {
		t.Error("beyond is wrong")
	}
	l.replica = true
	if l.beyond(seqOf(5, 5)) || l.read(seqOf(2, 3)).gap {
		t.Error("a replica must wait for positions ahead of it")
	}
}

func TestAFullLogRefusesMore(t *testing.T) {
	l := newLog("own", 0)
	if !l.append(kindText, strings.Repeat("x", maxBytes)) || l.append(kindText, "y") {
		t.Fatal("the bound does not hold")
	}
	l.freeze()
	if l.append(kindText, "") != true || l.append(kindText, "z") {
		t.Fatal("a frozen log took text")
	}
}

func TestFirstWordsMakeATitle(t *testing.T) {
	for in, want := range map[string]string{
		"  # Hello   world\n\nmore": "Hello world more",
		"one two":                   "one two",
		strings.Repeat("word ", 40): strings.Repeat("word ", 11) + "word…",
		"###":                       "###",
		"请解释量子纠错":                   "请解释量子纠错",
	} {
		if got := firstWords(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if got := cleanTitle("\n\"Quantum error correction.\"\nSure!"); got != "Quantum error correction" {
		t.Errorf("%q", got)
	}
}

func TestMatchCutsASnippetInUTF16Units(t *testing.T) {
	h, ok := match("🙂 "+strings.Repeat("x", 50)+" Straße und MEHR\ntext", folded("mehr"))
	if !ok {
		t.Fatal("not found")
	}
	u := []rune(h.Snippet)
	if string(u[h.Start:h.Start+h.Len]) != "MEHR" { // no astral rune in this snippet: runes are units
		t.Fatalf("%+v", h)
	}
	if _, ok := match("abc", folded("%%")); ok {
		t.Fatal("wildcards must not match")
	}
}

// pushed is a follower that is pushed to while it is willing, and woken else.
type pushed struct {
	*Follower
	t       *rapid.T
	willing bool
	got     []part
}

func follow(t *rapid.T, l *replyLog) *pushed {
	f := &pushed{Follower: &Follower{at: seqOf(1, 0)}, t: t}
	f.watch(l)
	f.Push(func() bool {
		if !f.willing {
			return false
		}
		for {
			more, ok := f.Poll(f.take)
			if !more {
				return ok
			}
		}
	})
	return f
}

func (f *pushed) take(seq int, text []byte, reasoning bool) {
	k := kindText
	if reasoning {
		k = kindReasoning
	}
	if seq <= f.at {
		f.t.Fatalf("seq %d after %d", seq, f.at)
	}
	f.got = append(f.got, part{k, string(text)})
}

// read takes all that is there, as a goroutine that was woken does.
func (f *pushed) read(ctx context.Context) {
	for e := f.Step(ctx); e != nil; e = f.Step(ctx) {
		switch e := e.(type) {
		case *models.ReplyDelta:
			f.got = append(f.got, part{kindText, e.Text})
		case *models.ReplyReasoningDelta:
			f.got = append(f.got, part{kindReasoning, e.Text})
		}
	}
}

// Pushed to or woken, alone or in company that comes and goes: each follower gets every
// byte once and in order, and is not woken for what it was pushed.
func TestPushesAndWakesGiveTheWholeLog(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := drawParts(t)
		l := newLog("own", 1)
		var fs []*pushed
		for range rapid.IntRange(1, 4).Draw(t, "followers") {
			f := follow(t, l)
			defer f.Close()
			fs = append(fs, f)
		}
		for _, p := range parts {
			for _, f := range fs {
				f.willing = rapid.Bool().Draw(t, "willing")
			}
			if rapid.Bool().Draw(t, "in company") {
				changed, leave := l.watch(nil)
				l.append(p.kind, p.text)
				leave()
				if len(changed) != 1 {
					t.Fatal("the company was not woken")
				}
			} else {
				l.append(p.kind, p.text)
			}
			for _, f := range fs {
				select {
				case <-f.changed:
					if f.willing {
						t.Fatal("woken for what it was pushed")
					}
					f.read(t.Context())
				default:
					if !f.willing {
						t.Fatal("who was not willing was not woken")
					}
				}
				if f.at != seqOf(1, len(l.buf)) {
					t.Fatal("left behind")
				}
			}
		}
		l.finish(ending{Status: models.MessageComplete})
		for _, f := range fs {
			if !f.Wait(t.Context()) {
				t.Fatal("the end was not told")
			}
			f.read(t.Context())
			for _, k := range []kind{kindText, kindReasoning} {
				if joined(f.got, k) != joined(parts, k) {
					t.Fatalf("got %q of %q", f.got, parts)
				}
			}
			if !f.over {
				t.Fatal("no end")
			}
		}
	})
}

// A checkpoint that was stored but not answered for is stored again with what came after:
// a take-over must not read it twice.
func TestPiecesStoredTwiceCountOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := drawParts(t)
		l := newLog("own", 2)
		var k kept
		stored := 0
		for _, p := range parts {
			l.append(p.kind, p.text)
			piece, end := l.since(stored)
			k.add(seqOf(2, end), piece)
			if rapid.Bool().Draw(t, "answered") {
				stored = end
			}
		}
		if k.text != joined(parts, kindText) || k.reasoning != joined(parts, kindReasoning) {
			t.Fatalf("kept %q and %q of %q", k.text, k.reasoning, parts)
		}
	})
}
