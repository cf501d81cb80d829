package account_test

import (
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
)

// P29: type, system, browser and major version, and nothing else.
func TestDeviceIsReadCoarsely(t *testing.T) {
	const mozilla, webkit = "Mozilla/5.0 ", " AppleWebKit/537.36 (KHTML, like Gecko) "
	for agent, want := range map[string]account.Device{
		"": {}, "x": {}, strings.Repeat("a", 1<<20): {}, "curl/8.11.0": {Browser: "curl", Version: 8}, "\x00\xff": {}, "Firefox/99999999999999999999": {Browser: "Firefox"},
		mozilla + "(Windows NT 10.0; Win64; x64; rv:141.0) Gecko/20100101 Firefox/141.0":                                                               {Type: "desktop", OS: "Windows", Browser: "Firefox", Version: 141},
		mozilla + "(X11; Linux x86_64)" + webkit + "Chrome/138.0.0.0 Safari/537.36":                                                                    {Type: "desktop", OS: "Linux", Browser: "Chrome", Version: 138},
		mozilla + "(X11; Linux x86_64)" + webkit + "HeadlessChrome/138.0.0.0 Safari/537.36":                                                            {Type: "desktop", OS: "Linux", Browser: "Chrome", Version: 138},
		mozilla + "(X11; CrOS x86_64 14541.0.0)" + webkit + "Chrome/138.0.0.0 Safari/537.36":                                                           {Type: "desktop", OS: "ChromeOS", Browser: "Chrome", Version: 138},
		mozilla + "(Windows NT 10.0; Win64; x64)" + webkit + "Chrome/138.0.0.0 Safari/537.36 Edg/138.0.3351.55":                                        {Type: "desktop", OS: "Windows", Browser: "Edge", Version: 138},
		mozilla + "(Windows NT 10.0; Win64; x64)" + webkit + "Chrome/138.0.0.0 Safari/537.36 OPR/120.0.0.0":                                            {Type: "desktop", OS: "Windows", Browser: "Opera", Version: 120},
		mozilla + "(Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15":                          {Type: "desktop", OS: "macOS", Browser: "Safari", Version: 18},
		mozilla + "(iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1":        {Type: "phone", OS: "iOS", Browser: "Safari", Version: 18},
		mozilla + "(iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/138.0.7204.53 Mobile/15E148 Safari/604.1": {Type: "phone", OS: "iOS", Browser: "Chrome", Version: 138},
		mozilla + "(iPad; CPU OS 17_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/140.0 Mobile/15E148 Safari/605.1.15":               {Type: "tablet", OS: "iPadOS", Browser: "Firefox", Version: 140},
		mozilla + "(Linux; Android 10; K)" + webkit + "Chrome/138.0.0.0 Mobile Safari/537.36":                                                          {Type: "phone", OS: "Android", Browser: "Chrome", Version: 138},
		mozilla + "(Linux; Android 13; SM-X900)" + webkit + "Chrome/138.0.0.0 Safari/537.36":                                                           {Type: "tablet", OS: "Android", Browser: "Chrome", Version: 138},
		mozilla + "(Linux; Android 14; SAMSUNG SM-S911B)" + webkit + "SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36":                       {Type: "phone", OS: "Android", Browser: "Samsung Internet", Version: 28},
		mozilla + "(Phone; OpenHarmony 5.0)" + webkit + "Chrome/114.0.0.0 Safari/537.36 ArkWeb/4.1.6.1 Mobile":                                         {Type: "phone", OS: "HarmonyOS", Browser: "Chrome", Version: 114},
		mozilla + "(Linux; Android 12; M2012K11AC)" + webkit + "Version/4.0 Chrome/116.0.0.0 Mobile Safari/537.36 MicroMessenger/8.0.49.2600":          {Type: "phone", OS: "Android", Browser: "WeChat", Version: 8},
	} {
		if got := account.ParseDevice(agent); got != want {
			t.Errorf("%.120q is %+v, want %+v", agent, got, want)
		}
	}
}

// P29: of the whole string nothing else is stored, and it goes with the session.
func TestOnlyTheCoarseDeviceIsStored(t *testing.T) {
	p := newPeople(t)
	agent := "Mozilla/5.0 (Linux; Android 13; SM-CANARY-7 Build/CANARY) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.7204.53 Mobile Safari/537.36"
	e, err := p.SignIn(t.Context(), account.SignIn{Proof: google("1", "ada@example.com"), Device: account.ParseDevice(agent)})
	if err != nil {
		t.Fatal(err)
	}
	dump := dbtest.Dump(t, p.db)
	if !strings.Contains(dump, "Android") || strings.Contains(dump, "CANARY") || strings.Contains(dump, "7204.53") || strings.Contains(dump, "Mozilla") {
		t.Error("the wrong parts are stored")
	}
	if err := p.SignOut(t.Context(), e.Viewer); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(dbtest.Dump(t, p.db), "Android") {
		t.Error("the device outlives its session")
	}
}

func FuzzDevice(f *testing.F) {
	f.Add("Mozilla/5.0 (X11; Linux x86_64) Chrome/138.0")
	f.Fuzz(func(t *testing.T, agent string) {
		d := account.ParseDevice(agent)
		if d.Version < 0 || d.Version > 99_999 || len(d.Type+d.OS+d.Browser) > 60 {
			t.Errorf("%q is %+v", agent, d)
		}
	})
}
