package chat

import (
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

// Pushed to or woken, alone or in company: a follower gets every byte once and in order.
func TestPushesAndWakesGiveTheWholeLog(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := drawParts(t)
		l := newLog("own", 1)
		f := &Follower{at: seqOf(1, 0)}
		var got []part
		take := func(seq int, text []byte, reasoning bool) {
			k := kindText
			if reasoning {
				k = kindReasoning
			}
			if seq <= f.at {
				t.Fatalf("seq %d after %d", seq, f.at)
			}
			got = append(got, part{k, string(text)})
		}
		willing := true
		f.watch(l)
		f.Push(func() bool {
			if !willing {
				return false
			}
			for {
				more, ok := f.Poll(take)
				if !more {
					return ok
				}
			}
		})
		defer f.Close()
		read := func() {
			for e := f.Step(t.Context()); e != nil; e = f.Step(t.Context()) {
				switch e := e.(type) {
				case *models.ReplyDelta:
					got = append(got, part{kindText, e.Text})
				case *models.ReplyReasoningDelta:
					got = append(got, part{kindReasoning, e.Text})
				}
			}
		}
		for _, p := range parts {
			willing = rapid.Bool().Draw(t, "willing")
			if rapid.Bool().Draw(t, "in company") {
				_, leave := l.watch(nil)
				l.append(p.kind, p.text)
				leave()
			} else {
				l.append(p.kind, p.text)
			}
			select {
			case <-f.changed:
				read()
			default:
			}
		}
		l.finish(ending{Status: models.MessageComplete})
		if !f.Wait(t.Context()) {
			t.Fatal("the end was not told")
		}
		read()
		for _, k := range []kind{kindText, kindReasoning} {
			if joined(got, k) != joined(parts, k) {
				t.Fatalf("got %q of %q", got, parts)
			}
		}
		if !f.over {
			t.Fatal("no end")
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
