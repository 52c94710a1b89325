package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	_ "time/tzdata" // rules are judged in the debtor's zone, also on machines without zone files

	"doorstep/auth"
	"doorstep/geo/basemap"
	"doorstep/server/access"
	"doorstep/server/attachments"
	"doorstep/server/audit"
	"doorstep/server/casework"
	"doorstep/server/conduct"
	"doorstep/server/console"
	"doorstep/server/dispatch"
	"doorstep/server/figures"
	"doorstep/server/httpapi"
	"doorstep/server/ladder"
	"doorstep/server/lawbook"
	"doorstep/server/notify"
	"doorstep/server/notify/fcm"
	"doorstep/server/office"
	"doorstep/server/store/sqlitestore"
	"doorstep/sync/journal"
	"doorstep/sync/offline"
	"doorstep/sync/seal"
)

// Server is a Doorstep server that Open has made. It answers and does its background
// work while Serve runs.
type Server struct {
	cfg      Config
	store    store
	journal  *journal.Journal
	vault    *seal.Vault
	office   *office.Service
	casework *casework.Service
	dispatch *dispatch.Service
	audit    *audit.Log
	access   *access.Log
	law      *lawbook.Book
	offline  *offline.Service
	files    *attachments.Service
	outbox   *notify.Outbox
	texts    *notify.Texts
	hooks    textHooks
	basemap  *basemap.Map // nil: none
	api      *httpapi.API
	listener net.Listener
	hung     atomic.Bool  // the store did not answer when the server stopped
	metrics  net.Listener // nil: metrics are served by listener
}

// Indexes returns all indexes that the rooms (packages) declare.
func Indexes() []journal.Index {
	return slices.Concat(office.Indexes(), casework.Indexes(), dispatch.Indexes(), access.Indexes(), figures.Indexes())
}

// Views returns the views that the rooms declare, without those built into the journal. Without a vault the list
// lacks those that are made of what is sealed.
func Views(vault *seal.Vault) []journal.View {
	return append([]journal.View{audit.Tiles(), access.View(), figures.View()}, casework.Views(vault)...)
}

// Open opens the store, makes the rooms and listens. The server answers once Serve is
// called. The caller must call Serve or Close afterwards.
func Open(ctx context.Context, cfg Config) (_ *Server, err error) {
	if err := cfg.fill(); err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	if s.store, err = cfg.store(ctx, &cfg); err != nil {
		return nil, err
	}
	clock := cfg.clock()
	s.journal = journal.Open(s.store, journal.Options{Clock: clock, Log: cfg.Log})
	keys, err := openKeys(ctx, &cfg, s.store, clock)
	if err != nil {
		return nil, err
	}
	vault := keys.vault
	s.vault = vault
	erasures, erased, err := openErasures(cfg.Secrets)
	if err != nil {
		return nil, err
	}
	shipped, err := conduct.Default()
	if err != nil {
		return nil, err
	}
	passwords := cfg.passwords()
	s.office = office.New(s.journal, passwords)
	s.office.DeviceApproval = cfg.DeviceApproval
	s.casework = casework.New(casework.Options{Journal: s.journal, Vault: vault, Policy: shipped, Lenders: s.office,
		Devices: s.office, Teams: dispatch.TeamsOf(s.office), Agents: s.office, Names: s.namesOf, Erasures: erasures,
		Texting: casework.Texting{Texts: textOffice{s.office}, Lint: ladder.Judge, Intent: intent}, Log: cfg.Log,
		Territories: func(ctx context.Context, b auth.BranchID) (casework.TerritoryIndex, error) {
			return s.office.Index(ctx, b)
		},
		PlanRules: s.office,
		Limits:    casework.PlanLimits{MaxInstalments: cfg.PlanMaxInstalments, MaxDays: cfg.PlanMaxDays}})
	if err := s.casework.FinishErasures(ctx, erased); err != nil {
		return nil, err
	}
	s.access = access.New(s.journal, cfg.Log)
	s.audit = audit.New(s.journal, keys.audit, cfg.Deployment)
	s.law = s.lawbook()
	threads := cfg.Threads
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	times, err := cfg.Travel.Source(ctx)
	if err != nil {
		return nil, err
	}
	if cfg.Map != "" {
		if s.basemap, err = basemap.Open(ctx, cfg.Map); err != nil {
			return nil, err
		}
	}
	s.dispatch = dispatch.New(dispatch.Options{Journal: s.journal, Casework: s.casework, Office: s.office, Travel: times,
		Policy: s.law.Policy, Threads: threads, Steps: cfg.steps, Shared: cfg.shared, Log: cfg.Log, Watch: cfg.Watch})
	s.offline = offline.New(offline.Options{Journal: s.journal, Applier: s.casework, Records: s.casework,
		Hash:  func(b []byte) [32]byte { return vault.Hash("mutation", b) },
		Alone: !cfg.shared})
	if s.files, err = attachments.New(attachments.Options{Frames: s.store, Smalls: s.store, Records: s.casework,
		Vault: vault, Clock: s.journal.Now, Limits: cfg.uploads, Log: cfg.Log}); err != nil {
		return nil, err
	}
	var sender notify.Sender
	if cfg.FCMCredentials != "" {
		if sender, err = fcm.New(ctx, fcm.Config{Credentials: cfg.FCMCredentials, Endpoint: cfg.FCMEndpoint}); err != nil {
			return nil, err
		}
	}
	s.outbox = notify.New(s.journal, ledger{s.casework}, s.office, sender, cfg.Log)
	if err := s.openTexts(); err != nil {
		return nil, err
	}
	sessions := auth.NewSessions(auth.Options{Keys: keys.token, Users: s.office, Devices: s.office,
		Families: families{s.store}, Factors: factors{s.store, vault}, Passwords: passwords, Clock: clock,
		Life: cfg.SessionLife, RequireFactor: cfg.RequireFactor, Issuer: cfg.issuer()})
	if err := s.firstAdmin(ctx); err != nil {
		return nil, err
	}
	if err := s.law.Open(ctx, cfg.Policies); err != nil {
		return nil, err
	}
	s.api = httpapi.New(httpapi.Options{Sessions: sessions, Office: s.office, Casework: s.casework, Dispatch: s.dispatch,
		Audit: s.audit, Access: s.access, Visits: visits{s.casework}, Attachments: s.files, Offline: s.offline,
		Figures: figures.New(s.journal), Hooks: s.hooks, Lint: ladder.Judge, Poke: s.texts.Poke,
		Journal: s.journal, Travel: times, Map: s.basemap,
		Threads: threads, Law: s.law, Hash: func(b []byte) [32]byte { return vault.Hash("request", b) },
		Ready: s.ready, Trouble: sqlitestore.Trouble, TrustedProxies: cfg.trusted, UnreadablePushes: cfg.unreadablePushes,
		UserCalls:        cfg.userCalls,
		MetricsElsewhere: cfg.MetricsListen != "", Version: cfg.Version,
		Log: cfg.Log})
	if cfg.MetricsListen != "" {
		if s.metrics, err = net.Listen("tcp", cfg.MetricsListen); err != nil {
			return nil, fmt.Errorf("listen for metrics: %w", err)
		}
	}
	if cfg.nowhere {
		return s, nil
	}
	if s.listener, err = cfg.listen(); err != nil {
		return nil, err
	}
	return s, nil
}

// lawbook makes a node's copy of the conduct policy.
func (s *Server) lawbook() *lawbook.Book {
	return lawbook.New(lawbook.Options{Office: s.office, Casework: s.casework, Sign: s.audit.SignPolicy,
		Clock: s.cfg.clock(), Log: s.cfg.Log})
}

// firstAdmin makes the administrator of a new deployment. Until the one-time password has
// been changed, each start makes and announces a new one, because the start that announced
// the earlier one may have failed.
func (s *Server) firstAdmin(ctx context.Context) error {
	password, keep := s.cfg.AdminPassword, true
	if password == "" {
		password, keep = auth.OneTimePassword(), false
	}
	// The password of another node that starts now too, and has announced it, stays good. A
	// node that announced one itself may have failed since: its folder remembers.
	spare, announced := time.Duration(0), filepath.Join(s.cfg.Data, "announced")
	if _, err := os.Stat(announced); s.cfg.shared && errors.Is(err, fs.ErrNotExist) {
		spare = spareAnnounced
	}
	set, err := s.office.FirstAdmin(ctx, password, keep, spare)
	if err != nil {
		return fmt.Errorf("make the first administrator: %w", err)
	}
	if !set || keep {
		return nil
	}
	if s.cfg.shared {
		if err := os.WriteFile(announced, nil, 0o600); err != nil {
			return fmt.Errorf("make the first administrator: %w", err)
		}
	}
	if s.cfg.Announce != nil {
		s.cfg.Announce("admin", password)
	}
	return nil
}

// spareAnnounced is how long a node leaves alone the one-time password that another node has announced.
const spareAnnounced = 10 * time.Minute

// Addr returns the address at which the server listens, as host:port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// URL returns the server's address as an http URL, or an https URL if it has a certificate.
func (s *Server) URL() string {
	if s.cfg.TLSCert != "" {
		return "https://" + s.Addr()
	}
	return "http://" + s.Addr()
}

// MetricsAddr returns the address at which only metrics are served, as host:port; "" if there is none.
func (s *Server) MetricsAddr() string {
	if s.metrics == nil {
		return ""
	}
	return s.metrics.Addr().String()
}

// AuditKey returns the public key with which exports are verified.
func (s *Server) AuditKey() string { return s.audit.PublicKey() }

// readyTime is how long the store may take to show that it answers.
const readyTime = 2 * time.Second

// ready returns an error that says why the server cannot answer requests, or nil. It takes
// readyTime at most.
func (s *Server) ready(ctx context.Context) error {
	if err := s.answers(ctx); err != nil {
		return err
	}
	return s.law.Ready()
}

// answers returns an error that says why the store cannot be used, or nil.
func (s *Server) answers(ctx context.Context) error {
	if err := s.journal.Stuck(); err != nil {
		return fmt.Errorf("the store does not accept writes: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	_, err := s.store.Watermark(ctx, auth.OrgBranch)
	return err
}

// sweep raises the floors of the branches and removes what is below them (see journal.Sweeper).
func (s *Server) sweep(ctx context.Context) error {
	return journal.NewSweeper(s.store).Run(ctx, func(b auth.BranchID, err error) {
		s.cfg.Log.Warn("cannot sweep", "branch", b, "err", err)
	})
}

// How long requests, and then appends, may take to end when the server stops. A store that
// does not answer is not waited for: the whole stop takes less than ten seconds then, which
// is how long many supervisors of processes wait.
const (
	drainTime  = 20 * time.Second
	drainHung  = 4 * time.Second
	closeHung  = 2 * time.Second
	probeEvery = time.Second
)

// drain lets running requests finish. If the store does not answer, it cuts them off after drainHung.
func (s *Server) drain(ctx context.Context, h *http.Server) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	begun := time.Now()
	var probes sync.WaitGroup
	probes.Go(func() {
		for journal.Sleep(ctx, probeEvery) == nil {
			if s.answers(ctx) == nil || ctx.Err() != nil {
				continue
			}
			s.hung.Store(true)
			_ = journal.Sleep(ctx, drainHung-time.Since(begun))
			cancel()
		}
	})
	err := h.Shutdown(ctx)
	cancel()
	probes.Wait()
	if err != nil {
		return errors.Join(fmt.Errorf("running requests were cut off: %w", err), h.Close())
	}
	return nil
}

// begin begins the background work, which ends with ctx.
func (s *Server) begin(ctx context.Context, background *sync.WaitGroup) {
	run := func(name string, f func(context.Context) error) {
		background.Go(func() {
			if err := f(ctx); err != nil && ctx.Err() == nil {
				s.cfg.Log.Error("background work ended", "work", name, "err", err)
			}
		})
	}
	run("rounds", s.dispatch.Run)
	run("outbox", s.outbox.Run)
	run("texts", s.texts.Run)
	run("policy", s.law.Run)
	run("moves", s.casework.RunMoves)
	run("undos", s.casework.RunUndos)
	run("views", journal.NewViews(s.journal, Views(s.vault)...).Run)
	run("sweep", s.sweep)
	run("small documents", s.sweepSmall)
	run("server", s.watchServer)
	run("erasures", s.casework.FollowErasures)
	run("who is shut out", s.keepShutOuts)
	run("calls", s.office.RunCalls)
	run("uploads", s.files.Run)
	run("timers of agents", s.watchCheckins)
}

// Serve answers requests until ctx ends. Then it lets running requests finish, for at most
// 20 seconds, stops the background work and closes everything. It ends within ten seconds
// when the store does not answer.
func (s *Server) Serve(ctx context.Context) error {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	var background sync.WaitGroup
	s.begin(work, &background)
	h := s.httpServer(withConsole(s.api))
	m := s.httpServer(s.api.Metrics())
	m.WriteTimeout = writeStall
	if s.metrics != nil {
		background.Go(func() {
			if err := m.Serve(s.metrics); !errors.Is(err, http.ErrServerClosed) {
				s.cfg.Log.Error("metrics are no longer served", "err", err)
			}
		})
	}
	ended := make(chan error, 1)
	go func() { ended <- h.Serve(s.listener) }()
	var err error
	select {
	case err = <-ended:
	case <-ctx.Done():
		s.api.Close()
		s.offline.Close()
		err = s.drain(ctx, h)
		if e := <-ended; !errors.Is(e, http.ErrServerClosed) {
			err = errors.Join(err, e)
		}
	}
	stop()
	err = errors.Join(err, m.Close())
	background.Wait()
	s.listener, s.metrics = nil, nil
	return errors.Join(err, s.Close())
}

// withConsole adds the console and the agents' app to the API. Their files are public; what they show, they ask the API
// for. Phones are told the app's build in each answer of sync/v1.
func withConsole(api http.Handler) http.Handler {
	pages, app, build := console.Handler(), console.AppHandler(), console.AppBuild()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/console" || strings.HasPrefix(r.URL.Path, console.Path):
			pages.ServeHTTP(w, r)
			return
		case r.URL.Path == "/app" || strings.HasPrefix(r.URL.Path, console.AppPath):
			app.ServeHTTP(w, r)
			return
		case strings.HasPrefix(r.URL.Path, "/sync/v1/") && build != "":
			w.Header().Set("X-Doorstep-Build", build)
		}
		api.ServeHTTP(w, r)
	})
}

// httpServer makes a server of HTTP. Answers have no deadline as a whole, since streams have no end; the listener sees
// to it that they make progress, and the handlers see to bodies.
func (s *Server) httpServer(h http.Handler) *http.Server {
	return &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10, DisableGeneralOptionsHandler: true,
		ErrorLog: slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelWarn)}
}

// Close closes everything that Open opened. Serve calls it.
func (s *Server) Close() error {
	var errs []error
	if s.listener != nil {
		errs = append(errs, s.listener.Close())
	}
	if s.metrics != nil {
		errs = append(errs, s.metrics.Close())
	}
	if s.api != nil {
		s.api.Close()
	}
	if s.offline != nil {
		s.offline.Close()
	}
	if s.access != nil {
		s.access.Close()
	}
	if s.journal != nil {
		wait := drainTime
		if s.hung.Load() || s.answers(context.Background()) != nil {
			wait = closeHung
		}
		ctx, cancel := context.WithTimeout(context.Background(), wait)
		errs = append(errs, s.journal.Close(ctx))
		cancel()
	}
	if s.store != nil {
		errs = append(errs, s.store.Close())
	}
	if s.basemap != nil {
		errs = append(errs, s.basemap.Close())
	}
	return errors.Join(errs...)
}
