package main

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
)

// finished sends a message and waits for the end of its reply.
func (b *browser) finished(text string) (conversation, message, reply string) {
	b.p.t.Helper()
	sent := at(b.send(fmt.Sprint("finished ", text, time.Now().UnixNano()), text), "data", "messageSend")
	id := func(noun string) string {
		s, ok := at(sent, noun, "id").(string)
		if !ok {
			b.p.t.Fatalf("nothing was sent: %v", sent)
		}
		return s
	}
	resp := b.request("text/event-stream", eventsDocument, map[string]any{"id": id("reply")})
	defer resp.Body.Close()
	if _, err := io.ReadAll(resp.Body); err != nil {
		b.p.t.Fatal(err)
	}
	return id("conversation"), id("message"), id("reply")
}

// operations calls each field of the operation types, of Viewer and of Operator, once
// with the arguments it needs and once for each further id that it takes.
func (m *matrix) operations() (lines []string) {
	for _, root := range []struct {
		def  *ast.Definition
		wrap string
	}{{m.schema.Query, "query%s { r: %s }"}, {m.schema.Types["Viewer"], "query%s { viewer { r: %s } }"}, {m.schema.Types["Operator"], "query%s { operator { r: %s } }"},
		{m.schema.Types["Conversation"], `query%s { viewer { own: conversation(id: "OWN") { r: %s } } }`},
		{m.schema.Mutation, "mutation%s { r: %s }"}, {m.schema.Subscription, "subscription%s { r: %s }"}} {
		for _, f := range root.def.Fields {
			if strings.HasPrefix(f.Name, "__") || root.def.Name == "Conversation" && len(f.Arguments) == 0 {
				continue
			}
			for _, c := range m.calls(f) {
				m.changed = m.changed || f.Name == "requestLogs" // keys find theirs empty
				lines = append(lines, m.row("call", root.def.Name+"."+f.Name+c.note, root.def == m.schema.Mutation, func(b *browser) string { return m.outcome(b, root.wrap, f, c.arguments()) }))
			}
		}
	}
	return lines
}

// nested are ways from an event, a payload or a row of usage to what is said in a
// conversation, and what a key that only writes may have of its own replies. What calls
// name is put in for its name in capitals.
var nested = []struct{ name, document string }{
	{"Subscription.viewerEvents: ConversationChanged", `subscription { r: viewerEvents { ... on ConversationChanged { conversation { branch(first: 1) { nodes { text } } } } } }`},
	{"Subscription.viewerEvents: ReplyStarted", `subscription { r: viewerEvents { ... on ReplyStarted { reply { text } } } }`},
	{"Subscription.viewerEvents: ReplyEnded", `subscription { r: viewerEvents { ... on ReplyEnded { reply { text } } } }`},
	{"Mutation.messageSend: branch", `mutation { r: messageSend(input: {clientId: "NEW", text: "t"}) { conversation { branch(first: 1) { nodes { text } } } userErrors { code } } }`},
	{"Mutation.messageSend: title", `mutation { r: messageSend(input: {clientId: "NEW", text: "t"}) { reply { conversation { title } } userErrors { code } } }`},
	{"Mutation.messageSend: its own", `mutation { r: messageSend(input: {clientId: "NEW", text: "t"}) { conversation { id } message { text } reply { text reasoning } userErrors { code } } }`},
	{"Mutation.messageEdit: siblings", `mutation { r: messageEdit(input: {clientId: "NEW", text: "t", messageId: "MESSAGE"}) { message { siblings { text } } userErrors { code } } }`},
	{"Mutation.replyRegenerate: parent", `mutation { r: replyRegenerate(input: {clientId: "NEW", replyId: "REPLY"}) { reply { parent { text } } userErrors { code } } }`},
	{"Mutation.replyContinue: children", `mutation { r: replyContinue(input: {replyId: "REPLY"}) { reply { children { text } } userErrors { code } } }`},
	{"Mutation.replyStop: branch", `mutation { r: replyStop(input: {replyId: "REPLY"}) { reply { conversation { branch(first: 1) { nodes { text } } } } userErrors { code } } }`},
	{"Mutation.replyStop: its own", `mutation { r: replyStop(input: {replyId: "REPLY"}) { reply { text } userErrors { code } } }`},
	{"Viewer.ledgerEntries: reply", `{ viewer { r: ledgerEntries { nodes { usage { reply { text } } } } } }`},
}

// below calls what lies deeper than operations looks.
func (m *matrix) below() (lines []string) {
	for _, n := range nested {
		lines = append(lines, m.row("below", n.name, strings.HasPrefix(n.document, "mutation"), func(b *browser) string {
			m.serial++
			document := strings.NewReplacer("NEW", fmt.Sprint("matrix-", m.serial), "MESSAGE", m.things["message"], "REPLY", m.things["reply"]).Replace(n.document)
			if strings.HasPrefix(document, "subscription") {
				return b.firstEvent(document, nil)
			}
			return class(b.ask(document, nil))
		}))
	}
	return lines
}

// row is the outcomes of one call by all callers, each outcome with those who had it.
// The owner, and the keys that may act for it, find everything as it was: what a call that
// changes things did is made undone before.
func (m *matrix) row(kind, name string, changes bool, call func(b *browser) string) string {
	m.restore()
	var outcomes []string
	by := map[string][]string{}
	for _, m.caller = range callers {
		if m.caller == "owner" || m.caller == "key" || m.caller == "chat:write" {
			m.restore()
		}
		outcome := call(m.as(m.caller))
		m.changed = m.changed || changes && done.MatchString(outcome)
		if by[outcome] == nil {
			outcomes = append(outcomes, outcome)
		}
		by[outcome] = append(by[outcome], m.caller)
	}
	line := fmt.Sprintf("%-5s %-40s", kind, name)
	for _, outcome := range outcomes {
		who := strings.Join(by[outcome], ",")
		if len(outcomes) == 1 {
			who = "all"
		}
		line += " " + outcome + "=" + who
	}
	return line
}

// done are the outcomes after which something may be another than before.
var done = regexp.MustCompile(`^(ok|[123]\d\d)`)

// restore makes again what calls have changed.
func (m *matrix) restore() {
	if m.changed {
		m.renew()
		m.changed = false
	}
}

// call is one way to ask for a field.
type call struct {
	note      string
	arguments func() map[string]any // by the names of the field's arguments
}

// calls are the ways to ask for a field.
func (m *matrix) calls(f *ast.FieldDefinition) (out []call) {
	required := func(extra string) func() map[string]any {
		return func() map[string]any {
			args := map[string]any{}
			for _, a := range f.Arguments {
				if a.Type.NonNull || a.Name == extra {
					args[a.Name] = m.value(a.Name, a.Type, extra)
				}
			}
			return args
		}
	}
	if f.Name == "node" {
		for _, thing := range []string{"conversation", "message", "reply", "session", "identity", "mail"} {
			out = append(out, call{"(" + thing + ")", func() map[string]any { return map[string]any{"id": m.things[thing]} }})
		}
		return out
	}
	if f.Name == "payment" {
		return []call{{"", func() map[string]any { return map[string]any{"id": m.things["purchase"]} }}}
	}
	out = append(out, call{"", required("")})
	for _, a := range f.Arguments {
		if a.Type.Name() == "ID" && !a.Type.NonNull {
			out = append(out, call{"(" + a.Name + ")", required(a.Name)})
		}
		if input := m.schema.Types[a.Type.Name()]; input != nil && input.Kind == ast.InputObject {
			for _, field := range input.Fields {
				if field.Type.Name() == "ID" && !field.Type.NonNull && field.Name != "modelId" {
					out = append(out, call{"(" + field.Name + ")", required(field.Name)})
				}
			}
		}
	}
	return out
}

// value is what the owner would say: its own things where an id is wanted.
func (m *matrix) value(name string, typ *ast.Type, extra string) any {
	m.t.Helper()
	if def := m.schema.Types[typ.Name()]; def.Kind == ast.InputObject {
		object := map[string]any{}
		for _, f := range def.Fields {
			if f.Type.NonNull && f.DefaultValue == nil || f.Name == extra || f.Name == "title" || f.Name == "conversationId" && extra == "parentId" {
				object[f.Name] = m.value(f.Name, f.Type, extra)
			}
		}
		return object
	}
	switch name {
	case "id", "conversationId":
		if own := m.own[m.caller]; own != "" && (extra == "parentId" || extra == "leafId") { // somebody else's message in it
			return own
		}
		return m.things["conversation"]
	case "messageId", "parentId":
		return m.things["message"]
	case "leafId", "replyId":
		return m.things["reply"]
	case "name":
		return "the matrix"
	case "modelId":
		return "a-model"
	case "apiKeyId", "keyId":
		return m.things["apiKey"]
	case "sessionId", "identityId", "mailId", "shareId":
		return m.things[strings.TrimSuffix(name, "Id")]
	case "account": // somebody nobody else asks for
		m.serial++
		m.things["victim"] = m.p.session(fmt.Sprint("victim-", m.serial)).Viewer.OwnerID
		return m.things["victim"]
	case "token":
		return m.things["link"]
	case "ticket", "receipt":
		return "none"
	case "confirmation":
		return m.things["victim"]
	case "reason":
		if m.schema.Types[typ.Name()].Kind == ast.Enum {
			return "REQUESTED"
		}
		return "the matrix asks"
	case "clientId":
		m.serial++
		return fmt.Sprint("matrix-", m.serial)
	case "text", "title":
		return "a message"
	case "version":
		return m.p.server.policy.Current().Version
	case "birthYear":
		return 1990
	case "birthMonth":
		return 5
	case "ground":
		return "LAW"
	case "authority", "basis", "scope", "subject":
		return "the matrix"
	case "asked", "given":
		return []string{"USAGE"}
	case "conversations":
		return []string{m.things["conversation"]}
	case "kind":
		if typ.Name() == "NoticeKind" {
			return "NEWS"
		}
		return "EXTERNAL_INFERENCE"
	case "granted":
		return true
	case "from":
		return "2026-01-01T00:00:00Z"
	case "to":
		return "2026-02-01T00:00:00Z"
	case "threshold", "amount":
		return "1.5"
	case "packId":
		return "small"
	case "provider":
		return "STRIPE"
	case "table":
		return "mails"
	case "decision":
		return "DISMISS"
	case "quarantineId":
		return "qua_00000000000000000000000000000000"
	case "usageId":
		return "use_00000000000000000000000000000000"
	}
	m.t.Fatalf("the matrix doesn't know what to say for %s: %s", name, typ)
	return nil
}

// outcome asks for one field and says how it ended.
func (m *matrix) outcome(b *browser, wrap string, f *ast.FieldDefinition, arguments map[string]any) string {
	m.t.Helper()
	var declared, given []string
	for _, a := range f.Arguments {
		if _, ok := arguments[a.Name]; ok {
			declared, given = append(declared, "$"+a.Name+": "+a.Type.String()), append(given, a.Name+": $"+a.Name)
		}
	}
	parens := func(list []string) string {
		if len(list) == 0 {
			return ""
		}
		return "(" + strings.Join(list, ", ") + ")"
	}
	document := fmt.Sprintf(wrap, parens(declared), f.Name+parens(given)+m.selection(f.Type.Name()))
	document = strings.Replace(document, "OWN", m.own[m.caller], 1)
	if strings.HasPrefix(document, "subscription") {
		return b.firstEvent(document, arguments)
	}
	return class(b.ask(document, arguments))
}

// selection is everything of a type that needs no arguments, and below it the names of
// the types.
func (m *matrix) selection(name string) string {
	def := m.schema.Types[name]
	if def.IsLeafType() {
		return ""
	}
	out := "__typename"
	for _, f := range def.Fields {
		if strings.HasPrefix(f.Name, "__") || slices.ContainsFunc(f.Arguments, func(a *ast.ArgumentDefinition) bool { return a.Type.NonNull }) {
			continue
		}
		below := m.schema.Types[f.Type.Name()]
		switch {
		case f.Name == "userErrors":
			out += " userErrors { code }"
		case below.IsLeafType():
			out += " " + f.Name
		default:
			out += " " + f.Name + " { __typename }"
		}
	}
	return " { " + out + " }"
}

// class is how a call ended: the code of its refusal, null, empty or ok.
func class(answer any) string {
	if code, ok := at(answer, "errors", 0, "extensions", "code").(string); ok {
		return code
	}
	got := at(answer, "data")
	for _, step := range []string{"viewer", "operator", "own"} {
		if inner := at(got, step); inner != nil {
			got = inner
		}
	}
	got = at(got, "r")
	if code, ok := at(got, "userErrors", 0, "code").(string); ok {
		return code
	}
	if nodes, ok := at(got, "nodes").([]any); ok {
		got = nodes
	}
	switch list, isList := got.([]any); {
	case got == nil:
		return "null"
	case isList && len(list) == 0:
		return "empty"
	}
	return "ok"
}

// firstEvent follows a subscription until its first event. One that stays open without
// any is ok: a refusal would come at once.
func (b *browser) firstEvent(document string, variables map[string]any) string {
	b.p.t.Helper()
	s := b.socket()
	defer s.conn.Close()
	s.subscribe("1", document, variables)
	answer := make(chan map[string]any, 1)
	go func() {
		var m map[string]any
		_ = s.conn.SetReadDeadline(time.Now().Add(patience))
		for s.conn.ReadJSON(&m) == nil {
			if m["type"] != "ping" {
				answer <- m
				return
			}
		}
		close(answer)
	}()
	select {
	case m := <-answer:
		if m["type"] == "error" {
			return class(map[string]any{"errors": m["payload"]})
		}
		return class(m["payload"])
	case <-time.After(time.Second):
		s.conn.Close()
		<-answer
		return "ok"
	}
}
