package web

import (
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"net/http"
	"strings"
)

// The pages that the server draws itself have no script and work without one.
const pageStyle = `:root{color-scheme:light dark}body{font:16px/1.6 system-ui,sans-serif;margin:0;display:grid;min-height:100vh;place-items:center}` +
	`main{max-width:30rem;padding:2rem}h1{font-size:1.4rem}button{font:inherit;padding:.6rem 1.2rem;border-radius:.5rem;border:1px solid;cursor:pointer}`

var pageTemplate = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="{{.Language}}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex">
<title>{{.Title}}</title>{{with .Next}}<meta http-equiv="refresh" content="0;url={{.}}">{{end}}<style>` + pageStyle + `</style></head>
<body><main><h1>{{.Title}}</h1><p>{{.Text}}</p>
{{if .Token}}<form method="post" action="{{.Action}}"><input type="hidden" name="token" value="{{.Token}}"><button type="submit">{{.Button}}</button></form>
{{else}}<p><a href="{{or .Next "/"}}">{{.Button}}</a></p>{{end}}
{{with .Support}}<p>{{$.Help}} <a href="mailto:{{.}}">{{.}}</a></p>{{end}}</main></body></html>
`))

// drawn is what pageTemplate draws.
type drawn struct {
	Language, Title, Text, Button, Help string
	Action, Token                       string // of a page with a form
	Next                                string // where the browser goes on by itself
	Support                             string
}

var pagePolicies = func() string {
	sum := sha256.Sum256([]byte(pageStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
}()

// askPage asks for the click that redeems a link.
func (s *server) askPage(w http.ResponseWriter, r *http.Request, what, token string) {
	d := wordsOf(r)[what]
	d.Action, d.Token = "/auth/"+what, token
	w.Header().Set("Referrer-Policy", "no-referrer") // the address holds the token
	s.draw(w, r, http.StatusOK, d)
}

// donePage says that a link has done its work.
func (s *server) donePage(w http.ResponseWriter, r *http.Request, what string) {
	s.draw(w, r, http.StatusOK, wordsOf(r)[what+" done"])
}

// failedPage says shortly what went wrong, and leads on to the app, which says more.
func (s *server) failedPage(w http.ResponseWriter, r *http.Request, f failure, next string) {
	d, ok := wordsOf(r)[f.code]
	if !ok {
		d = wordsOf(r)["failed"]
	}
	d.Next, d.Support = next, s.SupportEmail
	s.draw(w, r, f.status, d)
}

func (s *server) draw(w http.ResponseWriter, r *http.Request, status int, d drawn) {
	d.Language = languageOf(r)
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", pagePolicies)
	h.Set("Vary", "Accept-Language")
	w.WriteHeader(status)
	_ = pageTemplate.Execute(w, d) // the client is gone: nobody is left to tell
}

// languageOf is the first language of the request that the pages speak.
func languageOf(r *http.Request) string {
	for tag := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		switch tag = strings.ToLower(strings.TrimSpace(tag)); {
		case strings.HasPrefix(tag, "zh"):
			return "zh"
		case strings.HasPrefix(tag, "en"):
			return "en"
		}
	}
	return "en"
}

func wordsOf(r *http.Request) map[string]drawn { return words[languageOf(r)] }

const (
	helpEnglish, backEnglish = "If it goes on like this, write to", "Continue"
	helpChinese, backChinese = "如果问题仍然存在，请联系", "继续"
)

func english(title, text string) drawn {
	return drawn{Title: title, Text: text, Button: backEnglish, Help: helpEnglish}
}

func chinese(title, text string) drawn {
	return drawn{Title: title, Text: text, Button: backChinese, Help: helpChinese}
}

// words are the texts of the pages, by language and by code.
var words = map[string]map[string]drawn{
	"en": {
		"operator":         {Title: "Sign in as the operator", Text: "This link signs you in once. It was made on the machine that runs this installation.", Button: "Sign in"},
		"email":            {Title: "Confirm your new e-mail address", Text: "From then on your account uses it.", Button: "Confirm"},
		"email done":       english("The new address is confirmed", "You can close this page."),
		"unsubscribe":      {Title: "Stop mails about news", Text: "Mails about your account, its security and the privacy policy still come.", Button: "Stop these mails"},
		"unsubscribe done": english("You get no more mails about news", "It counts at once. You can change it back in the settings at any time."),
		"link_expired":     english("This link is no longer good", "It was used, it is too old, or it is not complete. Order a new one."),
		"state":            english("This sign-in was not begun here", "It was used already, or begun in another browser. Begin again."),
		"expired":          english("This sign-in took too long", "Begin again."),
		"denied":           english("You did not agree at the provider", "Begin again, or choose another way to sign in."),
		"upstream":         english("The provider did not answer as it should", "Try again in a moment, or choose another way to sign in."),
		"rate_limited":     english("Too many tries", "Wait a minute, then try again."),
		"email_unverified": english("No confirmed e-mail address", "Confirm your e-mail address at the provider, then sign in again."),
		"same_email":       english("There is an account with this e-mail address", "Sign in the way you did before; you can add this one in the settings."),
		"linked_elsewhere": english("This belongs to another account", "Remove it there first."),
		"reauthenticate":   english("Please prove again who you are", "It has been a while since you signed in."),
		"signed_out":       english("You are signed out", "Sign in first."),
		"age_refused":      english("You cannot use this service yet", "It is not meant for your age."),
		"unavailable":      english("Not possible right now", "Try again in a moment."),
		"failed":           english("Something failed here", "Try again in a moment."),
	},
	"zh": {
		"operator":         {Title: "以运营者身份登录", Text: "此链接只能登录一次，由运行本服务的机器生成。", Button: "登录"},
		"email":            {Title: "确认新的邮箱地址", Text: "确认后，您的账户将使用该地址。", Button: "确认"},
		"email done":       chinese("新的邮箱地址已确认", "您可以关闭此页面。"),
		"unsubscribe":      {Title: "不再接收资讯邮件", Text: "有关账户、安全和隐私政策的邮件仍会发送。", Button: "不再接收"},
		"unsubscribe done": chinese("您不会再收到资讯邮件", "立即生效。您可以随时在设置中重新开启。"),
		"link_expired":     chinese("此链接已失效", "它已被使用、已过期或不完整。请重新获取。"),
		"state":            chinese("此次登录不是从这里开始的", "它已被使用，或是在另一个浏览器中开始的。请重新登录。"),
		"expired":          chinese("登录用时过长", "请重新登录。"),
		"denied":           chinese("您没有在登录服务方同意授权", "请重新登录，或选择其他登录方式。"),
		"upstream":         chinese("登录服务方没有正常响应", "请稍后重试，或选择其他登录方式。"),
		"rate_limited":     chinese("尝试次数过多", "请等待一分钟后重试。"),
		"email_unverified": chinese("没有已验证的邮箱地址", "请先在登录服务方验证邮箱，然后重新登录。"),
		"same_email":       chinese("已有账户使用此邮箱地址", "请用以前的方式登录；之后可在设置中添加此方式。"),
		"linked_elsewhere": chinese("它属于另一个账户", "请先在那里解除关联。"),
		"reauthenticate":   chinese("请再次证明您的身份", "距离您上次登录已有一段时间。"),
		"signed_out":       chinese("您已退出登录", "请先登录。"),
		"age_refused":      chinese("您暂时不能使用此服务", "此服务不适合您的年龄。"),
		"unavailable":      chinese("暂时无法进行", "请稍后重试。"),
		"failed":           chinese("出错了", "请稍后重试。"),
	},
}
