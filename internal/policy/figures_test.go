package policy_test

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/kimi-k2/kimi-k2/internal/policy"
	policyfiles "github.com/kimi-k2/kimi-k2/policy"
)

// P6: the figures that the text promises stand beside those that the program keeps to.
func TestFiguresStandBesideTheProgramsOwn(t *testing.T) {
	r := newRoom(t)
	figures, err := r.Figures()
	if err != nil || len(figures) != 3 {
		t.Fatalf("%v, %v", figures, err)
	}
	for _, f := range figures[:2] {
		if f.Promised != f.Kept || f.Words == "" || f.Clause == "" {
			t.Errorf("%+v", f)
		}
	}
	if figures[1].Promised != 30 {
		t.Errorf("%+v", figures)
	}
}

// P1: a text that changes while the program runs is noticed.
func TestATextThatChangesIsNoticed(t *testing.T) {
	r := newRoom(t)
	files := fstest.MapFS{}
	for _, name := range []string{"policy.md", "policy.zh.md", "versions.json"} {
		text, err := fs.ReadFile(policyfiles.Files(), name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: text}
	}
	c := r.config()
	c.Files = files
	s, err := policy.New(c)
	if err != nil || s.Recheck() != nil {
		t.Fatal(err, s.Recheck())
	}
	files["policy.md"].Data = append(files["policy.md"].Data, ' ')
	if err := s.Recheck(); err == nil || !strings.Contains(err.Error(), "never altered") {
		t.Error(err)
	}
}
