package house

import (
	"fmt"
	"go/ast"
	"slices"
)

// waysOut are what of the standard library connects to other machines by itself.
var waysOut = map[string][]string{
	"net":        {"Dial", "DialIP", "DialTCP", "DialTimeout", "DialUDP", "DialUnix", "Dialer"},
	"net/http":   {"DefaultClient", "DefaultTransport", "Get", "Head", "Post", "PostForm"},
	"net/smtp":   {"Dial", "SendMail"},
	"crypto/tls": {"Dial", "DialWithDialer", "Dialer"},
}

// ownWays may do without the list of recipients, and why.
var ownWays = map[string]string{
	"internal/egress":           "it is the list",
	"internal/database/cluster": "a socket in a folder of its own",
}

// outboundCalls finds code of the program that could reach a host that is not on the
// list of recipients: whoever calls others does it through an egress.Guard.
func outboundCalls(tree []source) []string {
	var out []string
	for _, s := range tree {
		k := kindOf(s.dir)
		if s.test || k == testOnly || k == outside || ownWays[s.dir] != "" {
			continue
		}
		names := s.importNames()
		s.inspect(func(n ast.Node) {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				if path := names[identName(n.X)]; slices.Contains(waysOut[path], n.Sel.Name) {
					out = append(out, fmt.Sprintf("%s: %s.%s reaches any host: call through an egress.Guard", s.at(n), identName(n.X), n.Sel.Name))
				}
			case *ast.CompositeLit:
				if line := bareClient(names, n); line != "" {
					out = append(out, s.at(n)+": "+line)
				}
			}
		})
	}
	return out
}

// bareClient says what is wrong with an HTTP client or transport that is made on the spot.
func bareClient(names map[string]string, lit *ast.CompositeLit) string {
	sel, ok := lit.Type.(*ast.SelectorExpr)
	if !ok || names[identName(sel.X)] != "net/http" {
		return ""
	}
	switch sel.Sel.Name {
	case "Transport":
		return "a transport of one's own reaches any host: take an egress.Guard's"
	case "Client":
		for _, e := range lit.Elts {
			if field, ok := e.(*ast.KeyValueExpr); ok && identName(field.Key) == "Transport" {
				return ""
			}
		}
		return "a client without a transport reaches any host: give it an egress.Guard's"
	}
	return ""
}

func identName(n ast.Node) string {
	if id, ok := n.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}

// importNames is what each import is called in the file.
func (s source) importNames() map[string]string {
	names := map[string]string{}
	for _, spec := range s.imports() {
		path := stringValue(spec.Path)
		name := path
		for i := len(path) - 1; i >= 0; i-- {
			if path[i] == '/' {
				name = path[i+1:]
				break
			}
		}
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names[name] = path
	}
	return names
}
