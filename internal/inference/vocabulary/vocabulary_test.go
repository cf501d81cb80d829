package vocabulary

import (
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/tiktoken-go/tokenizer/codec"
	"pgregory.net/rapid"
)

// libraries are what the vocabularies are held against.
var libraries = map[string]counter{O200k: codec.NewO200kBase(), CL100k: codec.NewCl100kBase()}

// sumOf counts a text in pieces of at most so many characters.
func sumOf(v *Vocabulary, text string, size int) int64 {
	s := v.Sum()
	for text != "" {
		n := 0
		for range size {
			_, w := utf8.DecodeRuneInString(text[n:])
			n += w
		}
		s.Add(text[:n])
		text = text[n:]
	}
	return s.Tokens()
}

func libraryOf(t testing.TB, name, text string) int64 {
	t.Helper()
	n, err := libraries[name].Count(text)
	if err != nil {
		t.Fatal(err)
	}
	return int64(n)
}

// Texts of six sorts, in pieces of any size, take what the library says of the whole.
func TestSumsEqualTheLibrary(t *testing.T) {
	files, err := filepath.Glob("../testdata/tokens/*.txt")
	if err != nil || len(files) < 6 {
		t.Fatal(files, err)
	}
	for name := range libraries {
		v := Load(name)
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			want := libraryOf(t, name, string(text))
			for _, size := range []int{1, 3, 50, len(text)} {
				if got := sumOf(v, string(text), size); got != want {
					t.Errorf("%s of %s in pieces of %d: %d, the library says %d", name, filepath.Base(file), size, got, want)
				}
			}
		}
	}
}

// So do characters of all sorts in any order, where a text is cut as it is anyway.
func TestSumsOfAnythingEqualTheLibrary(t *testing.T) {
	atoms := []string{"a", "B", "word", "ſ", "é", "e\u0301", "\u0301", "中文", "。", "，", "ǅ", "ʰ", "1", "22", "4567", "٣", "½", "'", "’", "'s", "'LL", ".", "(", "{\"", "/", "-", "😀", "\u200d",
		" ", "  ", "\t", "\n", "\r\n", "\n\n ", "\u00a0", "\u2003", "\u2028", "\u0085", "\u00ad", "_", "<|endoftext|>"}
	for name := range libraries {
		v := Load(name)
		rapid.Check(t, func(t *rapid.T) {
			text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(atoms), 0, 40).Draw(t, "text"), "")
			size := rapid.IntRange(1, 20).Draw(t, "size")
			n, err := libraries[name].Count(text)
			if err != nil {
				t.Fatal(err)
			}
			if got := sumOf(v, text, size); got != int64(n) {
				t.Fatalf("%s of %q in pieces of %d: %d, the library says %d", name, text, size, got, n)
			}
		})
	}
}

// hostile are texts of 1 MiB that have no place to cut, or that the library takes quadratic
// time for.
func hostile() map[string]string {
	texts := map[string]string{}
	for _, unit := range []string{"a", "A", "qzxj", "中", "1", "-", " ", "\t", "\n", "\n ", " \n", "'s", "e\u0301", "😀", "aA1", "\r/", "x "} {
		texts[unit] = strings.Repeat(unit, 1<<20/len(unit))
	}
	return texts
}

// The library is given no stretch without a place to cut that is longer than longest: its
// time is that of many short texts, whatever the text. Counting it takes a second at the
// most, of a text that the library alone would take minutes for.
func TestHostileTextsAreCountedInBoundedTime(t *testing.T) {
	for unit, text := range hostile() {
		stub := &longestRun{t: t}
		v := &Vocabulary{load: func() counter { return stub }}
		v.wait()
		whole := sumOf(v, text, len(text))
		if stub.bytes != len(text) || whole != int64(stub.calls) {
			t.Errorf("%q: %d bytes of %d were counted", unit, stub.bytes, len(text))
		}
	}
	for _, unit := range []string{"\n ", "a", " ", "aA1"} {
		part := strings.Repeat(unit, 128<<10/len(unit)) // as much as a Counter of inference has counted
		begun := time.Now()
		if n := sumOf(Load(O200k), part, len(part)); n < int64(len(part))/256 || n > int64(len(part)) {
			t.Errorf("%q takes %d tokens", unit, n)
		}
		if took := time.Since(begun); took > 10*time.Second {
			t.Errorf("%q took %v", unit, took)
		}
	}
}

// longestRun looks at what the library would be given.
type longestRun struct {
	t            *testing.T
	calls, bytes int
}

func (l *longestRun) Count(text string) (int, error) {
	l.calls, l.bytes = l.calls+1, l.bytes+len(text)
	from, last := 0, rune(0)
	for i, r := range text {
		if apart(last, r) {
			from = i
		}
		if last = r; i-from > longest || i > largest+longest {
			l.t.Fatalf("the library is given %d bytes, %d of them without a place to cut", len(text), i-from)
		}
	}
	return 1, nil
}

// However a text without a place to cut comes, it is cut at the same places.
func TestSumsOfUnbrokenTextsDoNotDependOnThePieces(t *testing.T) {
	for _, unit := range []string{"a", "中", "\n ", "qzxj", "1"} {
		text := strings.Repeat(unit, 3000/len(unit))
		want := sumOf(Load(O200k), text, len(text))
		for _, size := range []int{1, 7, 255, 256, 257} {
			if got := sumOf(Load(O200k), text, size); got != want {
				t.Errorf("%q in pieces of %d: %d, not %d", unit, size, got, want)
			}
		}
		if most := libraryOf(t, O200k, text) + int64(len(text)/longest) + 1; want > most {
			t.Errorf("%q: %d, more than %d", unit, want, most)
		}
	}
}

// Nobody waits for a vocabulary, and it is loaded once.
func TestVocabulariesAreLoadedBeside(t *testing.T) {
	loading, release := make(chan struct{}, 10), make(chan struct{})
	v := &Vocabulary{load: func() counter { loading <- struct{}{}; <-release; return libraries[O200k] }}
	for range 3 {
		if v.get() {
			t.Fatal("it is there before it was loaded")
		}
	}
	<-loading
	close(release)
	v.wait()
	if !v.get() || len(loading) != 0 {
		t.Fatalf("loaded %v, %d times more", v.get(), len(loading))
	}
	if got := sumOf(v, "hello world", 100); got != 2 {
		t.Errorf("got %d", got)
	}
}

func TestNames(t *testing.T) {
	if !Known(O200k) || !Known(CL100k) || Known("p50k_base") || Known("") || Get("p50k_base") != nil {
		t.Error("other names are known than the two")
	}
	Load(O200k)
	if Get(O200k) == nil {
		t.Error("one that is loaded isn't there")
	}
}

// Many count with one vocabulary at the same time.
func TestOneVocabularyServesMany(t *testing.T) {
	const text = "Many count at the same time,\nwith one vocabulary."
	v, done, want := Load(O200k), make(chan struct{}), libraryOf(t, O200k, text)
	var wrong atomic.Int32
	for range 8 {
		go func() {
			defer func() { done <- struct{}{} }()
			for range 50 {
				if sumOf(v, text, 3) != want {
					wrong.Add(1)
				}
			}
		}()
	}
	for range 8 {
		<-done
	}
	if n := wrong.Load(); n > 0 {
		t.Errorf("%d counts are wrong", n)
	}
}
