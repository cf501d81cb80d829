package load

// viewers asks for nothing but the viewer; Floor asks as nobody.
func viewers(s Spec) (Result, error) {
	mark := `"kind":"ACCOUNT"`
	if s.Floor {
		mark, s.Cookies = `"kind":"GUEST"`, []string{""}
	}
	return ask(s, `{viewer{kind}}`, []byte(mark))
}
