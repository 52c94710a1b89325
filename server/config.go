package server

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"doorstep/auth/keyfile"
	"doorstep/geo/travel"
	"doorstep/server/dispatch"
)

// Config says how to serve. The zero value of a field is its default.
type Config struct {
	Listen string // host:port; "" is 127.0.0.1:8080, port 0 any free one
	Data   string // folder of the embedded store, the audit key and the token keys; "" is ./doorstep-data
	// Secrets is the folder of what must not be in a backup of Data: the key-encryption
	// key (kek) and the erasure list (erasures.jsonl). "" is Data's name with -secrets,
	// beside it. Whoever has a copy of both folders can read everything; a backup of
	// Secrets is kept apart, and the list in it is never set back.
	Secrets string
	// MongoDB is a connection URI; "" uses the embedded store.
	MongoDB string
	// KEK is the key-encryption key, 32 bytes in base64; "" reads or makes the file kek in Secrets.
	KEK string
	// ReplaceKey begins anew with a key that is lost for good: "audit", "token" or "".
	ReplaceKey string
	// AdminPassword is the first administrator's; "" has a one-time password made and told to Announce.
	AdminPassword string
	// Announce is told the first administrator's login and one-time password, at each
	// start until that password has been changed.
	Announce func(login, password string)
	// FCMCredentials is the path of a Firebase service account; "" keeps notices and shows them.
	FCMCredentials string
	FCMEndpoint    string // replaces FCM's address, for a peer on the loopback
	// Policies are paths of conduct packs to put in force at the start, each named after its file.
	Policies []string
	// Travel says where travel times come from.
	Travel travel.Choice
	// Deployment names this installation in checkpoints; "" is doorstep.
	Deployment string
	// Now starts the clock there instead of at the system's time. Embedded store only.
	Now time.Time
	// Threads is how many searches plan a round side by side; 0: one for each core.
	Threads int
	// PlanMaxInstalments and PlanMaxDays limit what an agent may agree to alone; 0: 12, and 370 days.
	PlanMaxInstalments int
	PlanMaxDays        int
	// Watch hears every routing problem that was solved, with its result; for benchmarks.
	Watch   dispatch.Watch
	Version string
	Log     *slog.Logger
}

func (c *Config) fill() error {
	if c.Listen == "" {
		c.Listen = "127.0.0.1:8080"
	}
	if c.Data == "" {
		c.Data = "doorstep-data"
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
	if c.Version == "" {
		c.Version = "dev"
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if !c.Now.IsZero() && c.MongoDB != "" {
		return errors.New("a clock of its own (now) is for the embedded store only")
	}
	return c.folders()
}

// folders makes the folders that are missing, for their owner only.
func (c *Config) folders() error {
	data, err := filepath.Abs(c.Data)
	if err != nil {
		return err
	}
	if c.Secrets == "" {
		c.Secrets = data + "-secrets"
	}
	secrets, err := filepath.Abs(c.Secrets)
	if err != nil {
		return err
	}
	if below, err := filepath.Rel(data, secrets); err == nil && filepath.IsLocal(below) {
		return fmt.Errorf("the secrets' folder %s lies in the data folder, whose backups would hold the data with its key: name one outside it",
			c.Secrets)
	}
	if err := keyfile.Folder(data); err != nil {
		return fmt.Errorf("make data folder: %w", err)
	}
	if err := keyfile.Folder(secrets); err != nil {
		return fmt.Errorf("make the secrets' folder; name another place with --secrets: %w", err)
	}
	return nil
}

// clock is the time the house goes by.
func (c *Config) clock() func() time.Time {
	if c.Now.IsZero() {
		return time.Now
	}
	start := time.Now()
	now := c.Now
	return func() time.Time { return now.Add(time.Since(start)) }
}
