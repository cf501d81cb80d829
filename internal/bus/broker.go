package bus

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// startOwn starts a broker in this process and returns the token its clients show.
func startOwn(c Config) (*server.Server, string, error) {
	token := random()
	o := &server.Options{
		ServerName: "kimi-k2-" + random(), Authorization: token, DontListen: true,
		NoLog: true, NoSigs: true, NoSystemAccount: true, MaxPayload: MaxMessage, MaxPending: 64 << 20,
	}
	if c.ClusterListen != "" {
		if err := join(o, c); err != nil {
			return nil, "", err
		}
	}
	s, err := server.NewServer(o)
	if err != nil {
		return nil, "", fmt.Errorf("make the message broker: %w", err)
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		s.Shutdown()
		s.WaitForShutdown()
		return nil, "", errors.New("the message broker does not start: is its cluster address free?")
	}
	return s, token, nil
}

// join makes the options those of a cluster's member. A broker that listens for no
// clients starts no routes either, hence a loopback port nobody is told of.
func join(o *server.Options, c Config) error {
	if c.ClusterToken == "" {
		return errors.New("a cluster of brokers needs a token that its members share")
	}
	host, port, err := split(c.ClusterListen)
	if err != nil {
		return err
	}
	o.DontListen, o.Host, o.Port = false, "127.0.0.1", server.RANDOM_PORT
	o.Cluster = server.ClusterOpts{Name: "kimi-k2", Host: host, Port: port, Username: "kimi-k2", Password: c.ClusterToken}
	if port == 0 {
		o.Cluster.Port = server.RANDOM_PORT
	}
	for _, route := range c.ClusterRoutes {
		if _, _, err := split(route); err != nil {
			return err
		}
		o.Routes = append(o.Routes, &url.URL{Scheme: "nats-route", Host: route, User: url.UserPassword("kimi-k2", c.ClusterToken)})
	}
	if !loopback(host) {
		c.Log.Warn("brokers talk to each other without encryption; use an encrypted network or a broker of your own (NATS_URL=tls://…)",
			"listen", c.ClusterListen)
	}
	return nil
}

func split(address string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(address)
	if err == nil {
		port, err = strconv.Atoi(text)
	}
	if err != nil {
		return "", 0, fmt.Errorf("the broker's address %q is not host:port: %w", address, err)
	}
	return host, port, nil
}

// warnPlain tells when messages, which hold what people write, would cross a network
// in the clear.
func warnPlain(urls string, log *slog.Logger) {
	for _, text := range strings.Split(urls, ",") {
		u, err := url.Parse(strings.TrimSpace(text))
		if err != nil || u.Host == "" || u.Scheme == "tls" || u.Scheme == "wss" || loopback(u.Hostname()) {
			continue
		}
		log.Warn("the connection to the message broker is not encrypted; use tls:// in NATS_URL", "host", u.Hostname())
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func random() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
