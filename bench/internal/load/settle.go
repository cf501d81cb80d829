package load

import (
	"bytes"
	"fmt"
	"strings"
)

// What everybody settles before a first message.
const (
	versionDoc = `{policy{version}}`
	ageDoc     = `mutation{ageConfirm(input:{birthYear:1990,birthMonth:5}){userErrors{code message}}}`
	acceptDoc  = `mutation($v:String!){policyAccept(input:{version:$v}){userErrors{code message}}}`
)

// settle confirms age and policy as a new visitor and returns the cookie that says so.
// It names nobody: any number of new guests may send their first message with it.
func settle(addr string, i int) (gate string, err error) {
	b, _, err := post(addr, "", payload(versionDoc, nil), i)
	if err != nil {
		return "", fmt.Errorf("ask for the policy: %w", err)
	}
	_, version, _ := strings.Cut(string(b), `"version":"`)
	version, _, _ = strings.Cut(version, `"`)
	cookie := ""
	for _, act := range []string{payload(ageDoc, nil), payload(acceptDoc, map[string]string{"v": version})} {
		b, cookie, err = post(addr, cookie, act, i)
		if err != nil {
			return "", fmt.Errorf("settle age and policy: %w", err)
		}
		if !bytes.Contains(b, []byte(`"userErrors":[]`)) {
			return "", fmt.Errorf("settle age and policy: %.300s", b)
		}
		cookie = only(cookie, "gate")
	}
	if cookie == "" {
		return "", fmt.Errorf("settle age and policy: no cookie came for it")
	}
	return cookie, nil
}

// only is one of the name=value pairs of a Cookie header.
func only(cookie, name string) string {
	for pair := range strings.SplitSeq(cookie, "; ") {
		if strings.HasPrefix(pair, name+"=") {
			return pair
		}
	}
	return ""
}
