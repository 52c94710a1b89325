package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"doorstep/auth"
	"doorstep/auth/keyfile"
	"doorstep/geo/travel"
	"doorstep/server/attachments"
	"doorstep/server/dispatch"
	"doorstep/server/notify/sms"
)

// Config says how to serve. The zero value of a field is its default.
type Config struct {
	Listen string // host:port; "" is 127.0.0.1:8080, port 0 any free one
	// TLSCert and TLSKey are paths of a certificate chain and its key (PEM); "" answers without TLS. The files are read
	// again when they change.
	TLSCert, TLSKey string
	// TrustedProxies are addresses and networks of proxies whose X-Forwarded-For is believed; that of others is not.
	TrustedProxies []string
	// ConnectionsPerAddress limits the open connections of one address; 0 does not. The loopback and trusted proxies
	// have no limit.
	ConnectionsPerAddress int
	// MetricsListen is host:port of /metrics, which is then not served at Listen; "" serves it there.
	MetricsListen string
	// SessionLife is how long a session lives after its sign-in; 0 means 30 days.
	SessionLife time.Duration
	// RequireFactor are the roles whose users may do nothing before they have a second factor. Agents have none: their
	// device is it.
	RequireFactor []auth.Role
	// DeviceApproval has the next device of a user who has a blocked one wait for an administrator.
	DeviceApproval bool
	Data           string // folder of the embedded store, the audit key and the token keys; "" is ./doorstep-data
	// Secrets is the folder of the key-encryption key (kek), the erasure list (erasures.jsonl)
	// and the list of who is shut out (shutouts.json), which must not be in a backup of Data. "" is the folder beside Data
	// whose name is Data's with -secrets. Whoever has a copy of both folders can read
	// everything, so keep backups of Secrets apart, and never restore an older erasure list.
	Secrets string
	// MongoDB is a connection URI; "" uses the embedded store.
	MongoDB string
	// KEK is the key-encryption key, 32 bytes in base64; "" reads or makes the file kek in Secrets.
	KEK string
	// ReplaceKey makes a new key in place of one that is lost for good: "audit", "token" or "".
	ReplaceKey string
	// AdminPassword is the first administrator's. If it is "", Open makes a one-time password and calls Announce.
	AdminPassword string
	// Announce is called with the first administrator's login and one-time password, at
	// each start until that password has been changed.
	Announce func(login, password string)
	// FCMCredentials is the path of a Firebase service account, or its JSON; if "", alerts are kept and shown but
	// not sent.
	FCMCredentials string
	FCMEndpoint    string // replaces FCM's address; for tests
	// SMS is the path of a JSON file that says who carries texts to debtors (sms.Config); "" appends them to the file
	// sms.ndjson in the data folder, so that nothing leaves the machine.
	SMS string
	// Policies are paths of conduct packs that are put in force at the start, each under its file's name.
	Policies []string
	// Uploads is the path of a JSON file with limits of attachments (attachments.ReadLimits); "" keeps the defaults.
	Uploads string
	// Travel says where travel times come from.
	Travel travel.Choice
	// Map is the path of the map that lies under stops and territories, as MBTiles (basemap.Open); "" for none.
	Map string
	// Deployment names this installation in checkpoints; "" is doorstep.
	Deployment string
	// Now is the time at which the server's clock starts; zero means the system's time. Embedded store only.
	Now time.Time
	// Threads is how many searches plan a round in parallel; 0 means one for each core.
	Threads int
	// PlanMaxInstalments and PlanMaxDays limit the repayment plans that an agent may agree to without a
	// supervisor; 0 means 12 instalments and 370 days.
	PlanMaxInstalments int
	PlanMaxDays        int
	// Watch is called with every solved routing problem and its result; for benchmarks.
	Watch   dispatch.Watch
	Version string
	Log     *slog.Logger

	// unreadablePushes is httpapi.Options.UnreadablePushes. Tests of bad input send more.
	unreadablePushes int
	// userCalls is httpapi.Options.UserCalls, likewise.
	userCalls int
	// hashing is what a password's hash takes; zero means auth.SafeHashCost. Tests take less.
	hashing auth.HashCost
	// steps bounds each search of a round by its steps; tests set it, with more seconds than it needs.
	steps int
	// store opens the store in place of openStore; tests run two nodes on one store with it.
	store func(context.Context, *Config) (store, error)
	// shared says that other nodes may use the store.
	shared bool
	// alone says that none does though store is given; now is the server's clock; nowhere: it does not listen. See
	// InProcess.
	alone, nowhere bool
	now            func() time.Time
	// uploads are the limits of attachments.
	uploads attachments.Limits
	// sms is who carries texts, read.
	sms sms.Config
	// trusted is TrustedProxies, read.
	trusted []netip.Prefix
}

// uploadLimits reads the file with the limits of attachments.
func uploadLimits(path string) (attachments.Limits, error) {
	if path == "" {
		return attachments.DefaultLimits(), nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return attachments.Limits{}, fmt.Errorf("read the limits of uploads: %w", err)
	}
	l, err := attachments.ReadLimits(text)
	if err != nil {
		return l, fmt.Errorf("%s: %w", path, err)
	}
	return l, nil
}

func (c *Config) fill() error {
	if c.Listen == "" {
		c.Listen = "127.0.0.1:8080"
	}
	if c.Data == "" {
		c.Data = "doorstep-data"
	}
	if c.hashing == (auth.HashCost{}) {
		c.hashing = auth.SafeHashCost
	}
	if c.Deployment == "" {
		c.Deployment = "doorstep"
	}
	if c.PlanMaxInstalments == 0 {
		c.PlanMaxInstalments = 12
	}
	if c.PlanMaxDays == 0 {
		c.PlanMaxDays = 370
	}
	if err := c.Travel.Check(); err != nil {
		return err
	}
	for _, r := range c.RequireFactor {
		if !r.Rule().Factor {
			return fmt.Errorf("required factors: %q is no role that has one: write supervisor, admin, auditor or lender", r)
		}
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return errors.New("a TLS certificate and its key go together: give --tls-cert and --tls-key")
	}
	var err error
	if c.trusted, err = addresses(c.TrustedProxies); err != nil {
		return fmt.Errorf("trusted proxies: %w", err)
	}
	if c.Version == "" {
		c.Version = "dev"
	}
	c.shared = c.MongoDB != "" || c.store != nil && !c.alone
	if c.store == nil {
		c.store = openStore
	}
	if c.uploads, err = uploadLimits(c.Uploads); err != nil {
		return err
	}
	if c.sms, err = smsConfig(c.SMS); err != nil {
		return err
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if !c.Now.IsZero() && c.MongoDB != "" {
		return errors.New("a clock of its own (--now, DOORSTEP_NOW) is for demonstrations with the embedded store: " +
			"on MongoDB other nodes write by the real time; start without it")
	}
	return c.folders()
}

// secrets names the secrets' folder if nothing else does.
func (c *Config) secrets() error {
	data, err := filepath.Abs(c.Data)
	if err == nil && c.Secrets == "" {
		c.Secrets = data + "-secrets"
	}
	return err
}

// folders makes missing folders, which only their owner can open.
func (c *Config) folders() error {
	if err := c.secrets(); err != nil {
		return err
	}
	data, err := filepath.Abs(c.Data)
	if err != nil {
		return err
	}
	secrets, err := filepath.Abs(c.Secrets)
	if err != nil {
		return err
	}
	if below, err := filepath.Rel(data, secrets); err == nil && filepath.IsLocal(below) {
		return fmt.Errorf("the secrets' folder %s lies in the data folder, "+
			"whose backups would hold the data with its key: name one outside it", c.Secrets)
	}
	if err := notRestored(data); err != nil {
		return err
	}
	if err := keyfile.Folder(data); err != nil {
		return fmt.Errorf("make data folder: %w", err)
	}
	if err := keyfile.Folder(secrets); err != nil {
		return fmt.Errorf("make the secrets' folder; name another place with --secrets: %w", err)
	}
	return nil
}

// issuer returns the name of this installation in authenticator apps.
func (c *Config) issuer() string {
	if c.Deployment == "doorstep" {
		return "Doorstep"
	}
	return "Doorstep " + c.Deployment
}

// passwords returns what hashes and checks passwords.
func (c *Config) passwords() *auth.Passwords {
	p := auth.NewPasswords(runtime.GOMAXPROCS(0), c.hashing)
	p.Words = []string{c.Deployment}
	return p
}

// clock returns the server's clock.
func (c *Config) clock() func() time.Time {
	if c.now != nil {
		return c.now
	}
	if c.Now.IsZero() {
		return time.Now
	}
	start := time.Now()
	now := c.Now
	return func() time.Time { return now.Add(time.Since(start)) }
}
