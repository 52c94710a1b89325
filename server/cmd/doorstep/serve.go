package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"doorstep/auth"
	"doorstep/server"
)

type serveCmd struct {
	Listen         string   `default:"127.0.0.1:8080" env:"DOORSTEP_LISTEN" help:"Address to listen at."`
	TLSCert        string   `name:"tls-cert" env:"DOORSTEP_TLS_CERT" help:"Certificate chain (PEM) to answer with TLS. Read again when it changes."`
	TLSKey         string   `name:"tls-key" env:"DOORSTEP_TLS_KEY" help:"Key of the certificate (PEM)."`
	TrustedProxies []string `env:"DOORSTEP_TRUSTED_PROXIES" help:"Addresses and networks of proxies whose X-Forwarded-For is believed." placeholder:"ADDRESS"`
	MetricsListen  string   `env:"DOORSTEP_METRICS_LISTEN" help:"Address of /metrics, which is then served nowhere else." placeholder:"HOST:PORT"`
	Connections    int      `name:"connections-per-address" default:"500" env:"DOORSTEP_CONNECTIONS_PER_ADDRESS" help:"Open connections of one address at most; 0: no limit. The loopback and trusted proxies have none."`
	SessionDays    int      `default:"30" env:"DOORSTEP_SESSION_DAYS" help:"Days after its sign-in at which a session ends, 1 to 365."`
	RequireFactor  []string `env:"DOORSTEP_REQUIRE_FACTOR" help:"Roles whose users need a second factor: supervisor, admin, auditor, lender." placeholder:"ROLE"`
	DeviceApproval bool     `env:"DOORSTEP_DEVICE_APPROVAL" help:"The next device of a user who has a blocked one waits for an administrator."`
	Data           string   `default:"./doorstep-data" env:"DOORSTEP_DATA" help:"Folder of the embedded store, the debtors' keys, the audit key and the token keys. doorstep backup copies it."`
	Secrets        string   `env:"DOORSTEP_SECRETS" help:"Folder of the key-encryption key and the erasure list, which no backup of the data may hold. Default: the data folder's name with -secrets, beside it."`
	MongoDBURI     string   `name:"mongodb-uri" env:"DOORSTEP_MONGODB_URI" help:"Keep everything in MongoDB instead of the embedded store."`
	KEK            string   `name:"kek" env:"DOORSTEP_KEK" help:"Key-encryption key, 32 bytes in base64; give it in the environment. Default: the file kek in the secrets' folder, made on first start."`
	ReplaceKey     string   `help:"Begin anew with a key that is lost for good: audit or token. For one start." placeholder:"NAME"`
	AdminPassword  string   `env:"DOORSTEP_ADMIN_PASSWORD" help:"The first administrator's password. Default: a one-time password is printed until it is changed."`
	FCMCredentials string   `name:"fcm-credentials" env:"DOORSTEP_FCM_CREDENTIALS" help:"Path of a Firebase service account, or its JSON. Default: alerts are kept and shown, not sent."`
	FCMEndpoint    string   `name:"fcm-endpoint" env:"DOORSTEP_FCM_ENDPOINT" hidden:""`
	Policy         []string `env:"DOORSTEP_POLICY" help:"Conduct packs (YAML) to put in force, each named after its file."`
	Uploads        string   `env:"DOORSTEP_UPLOADS" help:"JSON file with limits of attachments: sizes, types, how many a case and a day. Default: those of OPTIONS /files/." placeholder:"FILE"`
	SMS            string   `name:"sms" env:"DOORSTEP_SMS" help:"JSON file that says who carries texts to debtors: a gateway, Twilio or Aliyun. Default: they are appended to sms.ndjson in the data folder." placeholder:"FILE"`
	travelFlags
	Map                string     `env:"DOORSTEP_MAP" help:"The map under stops and territories: a file made by map prepare, or another MBTiles file of the schema Shortbread. Default: plain ground." placeholder:"FILE"`
	Deployment         string     `default:"doorstep" env:"DOORSTEP_DEPLOYMENT" help:"Name of this installation in checkpoints."`
	Threads            int        `env:"DOORSTEP_THREADS" help:"Searches that plan a round side by side. Default: one for each core."`
	PlanMaxInstalments int        `default:"12" env:"DOORSTEP_PLAN_MAX_INSTALMENTS" help:"Instalments an agent may agree to alone."`
	PlanMaxDays        int        `default:"370" env:"DOORSTEP_PLAN_MAX_DAYS" help:"Days ahead the last instalment may be due without approval."`
	Now                string     `env:"DOORSTEP_NOW" help:"Start the clock at this RFC 3339 time. For demonstrations; embedded store only."`
	LogLevel           slog.Level `default:"info" env:"DOORSTEP_LOG_LEVEL" help:"debug, info, warn or error."`
	LogFormat          string     `default:"text" enum:"text,json" env:"DOORSTEP_LOG_FORMAT" help:"text or json."`
}

func (c *serveCmd) Run(ctx context.Context, out io.Writer) error {
	if c.SessionDays < 1 || c.SessionDays > 365 {
		return errors.New("--session-days: write a number from 1 to 365")
	}
	if c.Connections < 0 {
		return errors.New("--connections-per-address: write a number from 1 on, or 0 for no limit")
	}
	cfg := server.Config{Listen: c.Listen, TLSCert: c.TLSCert, TLSKey: c.TLSKey, TrustedProxies: c.TrustedProxies,
		ConnectionsPerAddress: c.Connections, MetricsListen: c.MetricsListen,
		SessionLife: time.Duration(c.SessionDays) * 24 * time.Hour, DeviceApproval: c.DeviceApproval,
		Data: c.Data, Secrets: c.Secrets, ReplaceKey: c.ReplaceKey,
		MongoDB: c.MongoDBURI, KEK: c.KEK, AdminPassword: c.AdminPassword, FCMCredentials: c.FCMCredentials,
		FCMEndpoint: c.FCMEndpoint, Policies: c.Policy, Uploads: c.Uploads, SMS: c.SMS, Travel: c.choice(), Map: c.Map,
		Deployment: c.Deployment, Threads: c.Threads,
		PlanMaxInstalments: c.PlanMaxInstalments, PlanMaxDays: c.PlanMaxDays, Version: version,
		Log: logger(c.LogLevel, c.LogFormat),
		Announce: func(login, password string) {
			fmt.Fprintf(out, "Sign in as %s with the one-time password: %s\n"+
				"Each start makes a new one until it has been changed.\n", login, password)
		}}
	for _, r := range c.RequireFactor {
		cfg.RequireFactor = append(cfg.RequireFactor, auth.Role(r))
	}
	if c.Now != "" {
		at, err := time.Parse(time.RFC3339, c.Now)
		if err != nil {
			return fmt.Errorf("--now: write an RFC 3339 time such as 2026-11-25T08:00:00Z")
		}
		cfg.Now = at
	}
	s, err := server.Open(ctx, cfg)
	if err != nil {
		return err
	}
	giveBack()
	fmt.Fprintf(out, "Doorstep answers at %s; the audit's public key is %s\n", s.URL(), s.AuditKey())
	return givingBack(ctx, func() error { return s.Serve(ctx) })
}
