package auth

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"doorstep/auth/factor"
	"doorstep/auth/refusal"
)

// app is a user's authenticator app.
type app struct {
	h          *fixture
	id, secret string
}

// code is what the app shows so many steps from now.
func (a app) code(t *testing.T, steps factor.Step) string {
	t.Helper()
	code, err := factor.Code(a.secret, factor.StepAt(a.h.clock.Now())+steps)
	check(t, err)
	return code
}

// wrongCode is a code of none of the steps near now.
func (a app) wrongCode(t *testing.T) string {
	t.Helper()
	for _, code := range []string{"000000", "111111", "222222", "333333"} {
		good := false
		for s := factor.Step(-2); s <= 2; s++ {
			good = good || a.code(t, s) == code
		}
		if !good {
			return code
		}
	}
	return "444444"
}

// enrol adds a factor in a session, and lets a step pass so that the next code is a new one.
func (h *fixture) enrol(t *testing.T, who Actor, p Proof) (app, []string) {
	t.Helper()
	f, err := h.BeginFactor(context.Background(), who, p, "phone")
	check(t, err)
	a := app{h, f.ID, f.Secret}
	recovery, err := h.ConfirmFactor(context.Background(), who, f.ID, a.code(t, 0))
	check(t, err)
	h.clock.pass(time.Minute)
	return a, recovery
}

// challenged shows a password and returns the token for the code.
func (h *fixture) challenged(t *testing.T, s *Sessions, login, address string) string {
	t.Helper()
	_, err := s.SignIn(context.Background(), Login{Login: login, Password: password, Address: address})
	var required *FactorRequired
	if !errors.As(err, &required) {
		t.Fatalf("%s signs in with %v, want a challenge", login, err)
	}
	refused(t, "a challenge", err, "auth.factor_required")
	return required.Challenge.Token
}

// second is another node on the same store.
func (h *fixture) second() *Sessions {
	return NewSessions(Options{Keys: h.keys, Users: h.keeper, Devices: h.keeper, Families: h.keeper, Factors: h.keeper,
		Passwords: h.passwords, Clock: h.clock.Now})
}

func TestAUserWithAFactorSignsInWithACode(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	other, mine := h.signIn(t, "sup", ""), h.signIn(t, "sup", "")
	who := h.who(t, mine.AccessToken)
	phone, recovery := h.enrol(t, who, Proof{Password: password})
	if len(recovery) != factor.RecoveryCodes {
		t.Errorf("%d recovery codes", len(recovery))
	}
	if got := h.who(t, mine.AccessToken); got.User != "u-sup" || got.MustEnrol {
		t.Errorf("the session that enrolled is %+v", got)
	}
	_, err := h.Verify(ctx, other.AccessToken)
	refused(t, "the other session", err, "auth.token_invalid")
	_, err = h.Refresh(ctx, other.RefreshToken, "")
	refused(t, "the other session's refresh", err, "auth.refresh_invalid")

	token := h.challenged(t, h.Sessions, "sup", "a")
	_, err = h.Verify(ctx, token)
	refused(t, "a challenge as access token", err, "auth.token_invalid")
	_, err = h.Refresh(ctx, token, "")
	refused(t, "a challenge as refresh token", err, "auth.refresh_invalid")
	_, err = h.SignInWithFactor(ctx, FactorLogin{Token: mine.RefreshToken, Code: phone.code(t, 0)})
	refused(t, "a refresh token as challenge", err, "auth.challenge_invalid")
	s, err := h.SignInWithFactor(ctx, FactorLogin{Token: token, Code: phone.code(t, 0)})
	check(t, err)
	if got := h.who(t, s.AccessToken); got.User != "u-sup" {
		t.Errorf("the session is %+v's", got)
	}
	s, err = h.Refresh(ctx, s.RefreshToken, "")
	check(t, err)
	h.who(t, s.AccessToken)
	_, err = h.SignInWithFactor(ctx, FactorLogin{Token: token, Code: phone.code(t, 1)})
	refused(t, "a used challenge", err, "auth.challenge_invalid")
}

func TestASignInWaitsFiveMinutesAndFiveCodes(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	phone, _ := h.enrol(t, h.who(t, h.signIn(t, "sup", "").AccessToken), Proof{Password: password})
	send := func(token, code string) error {
		_, err := h.SignInWithFactor(ctx, FactorLogin{Token: token, Code: code, Address: "a"})
		return err
	}
	token := h.challenged(t, h.Sessions, "sup", "a")
	h.clock.pass(ChallengeTTL + time.Second)
	refused(t, "after five minutes", send(token, phone.code(t, 0)), "auth.challenge_invalid")

	token = h.challenged(t, h.Sessions, "sup", "a")
	for range maxTries {
		refused(t, "a wrong code", send(token, phone.wrongCode(t)), "auth.factor_wrong")
	}
	refused(t, "after five wrong codes", send(token, phone.code(t, 0)), "auth.challenge_invalid")

	token = h.challenged(t, h.Sessions, "sup", "a")
	parts := strings.Split(token, ".")
	for what, forged := range map[string]string{"no MAC": parts[0] + "." + parts[1] + ".", "none": "",
		"another user's": "dS1yZWc." + parts[1] + "." + parts[2], "another id": parts[0] + ".x." + parts[2],
		"long": strings.Repeat("a", 10_000)} {
		refused(t, what, send(forged, phone.code(t, 0)), "auth.challenge_invalid")
	}
	h.keeper.change("u-sup", func(u *User) { u.Generation++ }) // a new password, a new role, disabled
	refused(t, "after a change of the user", send(token, phone.code(t, 0)), "auth.challenge_invalid")
}

// The tries of one challenge are counted in the store, so that neither requests side by side nor two nodes give more.
func TestCodesSideBySideAreCounted(t *testing.T) {
	h := newFixture(t)
	phone, _ := h.enrol(t, h.who(t, h.signIn(t, "sup", "").AccessToken), Proof{Password: password})
	nodes := []*Sessions{h.Sessions, h.second()}
	token := h.challenged(t, h.Sessions, "sup", "a")
	wrong := phone.wrongCode(t)
	var all sync.WaitGroup
	var mu sync.Mutex
	judged := 0
	for i := range 16 {
		all.Go(func() {
			_, err := nodes[i%2].SignInWithFactor(context.Background(), FactorLogin{Token: token, Code: wrong,
				Address: string(rune('a' + i))})
			if no, is := refusal.Of(err); is && no.Code() == "auth.factor_wrong" {
				mu.Lock()
				defer mu.Unlock()
				judged++
			}
		})
	}
	all.Wait()
	if judged != maxTries {
		t.Errorf("%d codes were judged, want %d", judged, maxTries)
	}
}

// One code is good for one sign-in, on whichever nodes it is sent and however the two interleave.
func TestACodeIsTakenOnceAcrossNodes(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	phone, recovery := h.enrol(t, h.who(t, h.signIn(t, "sup", "").AccessToken), Proof{Password: password})
	nodes := []*Sessions{h.Sessions, h.second()}
	for round := range 6 {
		code := phone.code(t, 0)
		if round%2 == 1 {
			code = recovery[round]
		}
		tokens := []string{h.challenged(t, nodes[0], "sup", "a"), h.challenged(t, nodes[1], "sup", "b")}
		errs := make([]error, 2)
		var all sync.WaitGroup
		for i := range nodes {
			all.Go(func() { _, errs[i] = nodes[i].SignInWithFactor(ctx, FactorLogin{Token: tokens[i], Code: code}) })
		}
		all.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Errorf("round %d: the nodes answered %v and %v to one code", round, errs[0], errs[1])
		}
		h.clock.pass(time.Minute)
	}
}

// Whatever is sent in whatever order, the accepted codes are of ever later steps.
func TestAcceptedCodesAreOfEverLaterSteps(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	secret, _, err := factor.New("Doorstep", "ana")
	check(t, err)
	now := time.Unix(1_800_000_000, 0)
	d := factors{Factors: []keptFactor{{ID: "f", Secret: secret, Confirmed: now}}}
	taken, last := 0, factor.Step(0)
	for range 500 {
		now = now.Add(time.Duration(r.IntN(25)) * time.Second)
		step := factor.StepAt(now) + factor.Step(r.IntN(5)-2)
		code, err := factor.Code(secret, step)
		check(t, err)
		if !d.use(code, now) {
			continue
		}
		taken++
		if step <= last || step < factor.StepAt(now)-1 || step > factor.StepAt(now)+1 {
			t.Fatalf("at step %d the code of step %d is taken after that of %d", factor.StepAt(now), step, last)
		}
		last = step
	}
	if taken < 100 {
		t.Errorf("only %d codes were taken", taken)
	}
}

func TestWrongCodesAreLimitedFromAllAddresses(t *testing.T) {
	h := newFixture(t)
	phone, _ := h.enrol(t, h.who(t, h.signIn(t, "sup", "").AccessToken), Proof{Password: password})
	var last error
	for i := range 3 * guessBurst {
		address := string(rune('a' + i))
		token := h.challenged(t, h.Sessions, "sup", address)
		_, last = h.SignInWithFactor(context.Background(), FactorLogin{Token: token, Code: phone.wrongCode(t),
			Address: address})
	}
	refused(t, "the thirtieth wrong code from the thirtieth address", last, "auth.limited")
}

func TestFactorsAreChangedWithPasswordAndCode(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	who := h.who(t, h.signIn(t, "sup", "").AccessToken)
	_, err := h.BeginFactor(ctx, who, Proof{Password: "not it at all"}, "")
	refused(t, "a wrong password", err, "user.password_wrong")
	_, err = h.RenewRecovery(ctx, who, Proof{Password: password})
	refused(t, "recovery codes without a factor", err, "factor.none")

	late, err := h.BeginFactor(ctx, who, Proof{Password: password}, "late")
	check(t, err)
	h.clock.pass(EnrolTTL + time.Second)
	_, err = h.ConfirmFactor(ctx, who, late.ID, app{h, late.ID, late.Secret}.code(t, 0))
	refused(t, "a factor confirmed too late", err, "factor.not_found")

	phone, recovery := h.enrol(t, who, Proof{Password: password})
	for what, p := range map[string]Proof{"no code": {Password: password},
		"a wrong code": {Password: password, Code: phone.wrongCode(t)}} {
		_, err = h.BeginFactor(ctx, who, p, "")
		refused(t, what, err, "factor.code_wrong")
		refused(t, what, h.RemoveFactor(ctx, who, p, phone.id), "factor.code_wrong")
		_, err = h.RenewRecovery(ctx, who, p)
		refused(t, what, err, "factor.code_wrong")
	}
	_, err = h.ConfirmFactor(ctx, who, phone.id, phone.code(t, 0))
	refused(t, "a factor confirmed twice", err, "factor.not_found")
	refused(t, "another factor", h.RemoveFactor(ctx, who, Proof{password, phone.code(t, 0)}, "x"), "factor.not_found")

	more, err := h.RenewRecovery(ctx, who, Proof{password, recovery[0]})
	check(t, err)
	tablet, none := h.enrol(t, who, Proof{password, more[0]})
	if len(none) > 0 {
		t.Errorf("a second factor gives recovery codes anew")
	}
	refused(t, "an old recovery code", h.RemoveFactor(ctx, who, Proof{password, recovery[1]}, phone.id),
		"factor.code_wrong")
	check(t, h.RemoveFactor(ctx, who, Proof{password, tablet.code(t, 0)}, phone.id))
	list, err := h.FactorsOf(ctx, "u-sup")
	check(t, err)
	if len(list.Factors) != 1 || list.Factors[0].ID != tablet.id || list.RecoveryLeft != factor.RecoveryCodes-1 {
		t.Errorf("the list is %+v", list)
	}
	check(t, h.RemoveFactor(ctx, who, Proof{password, more[1]}, tablet.id))
	if list, err = h.FactorsOf(ctx, "u-sup"); err != nil || len(list.Factors) != 0 || list.RecoveryLeft != 0 {
		t.Errorf("after the last one the list is %+v, %v", list, err)
	}
	h.signIn(t, "sup", "")
}

func TestGuessesForAChangeOfFactorsAreLimited(t *testing.T) {
	h := newFixture(t)
	who := h.who(t, h.signIn(t, "sup", "").AccessToken)
	phone, _ := h.enrol(t, who, Proof{Password: password})
	var err error
	for range guessBurst + 1 {
		err = h.RemoveFactor(context.Background(), who, Proof{password, phone.wrongCode(t)}, phone.id)
	}
	refused(t, "the eleventh wrong code", err, "auth.limited")
}

func TestAResetTakesTheFactorsAway(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	mine := h.signIn(t, "sup", "")
	phone, _ := h.enrol(t, h.who(t, mine.AccessToken), Proof{Password: password})
	token := h.challenged(t, h.Sessions, "sup", "a")
	h.keeper.change("u-sup", func(u *User) {
		u.FactorEpoch++
		u.Generation++
	})
	h.ForgetUser("u-sup")
	_, err := h.Verify(ctx, mine.AccessToken)
	refused(t, "a session from before", err, "auth.token_invalid")
	_, err = h.SignInWithFactor(ctx, FactorLogin{Token: token, Code: phone.code(t, 0)})
	refused(t, "a challenge from before", err, "auth.challenge_invalid")
	who := h.who(t, h.signIn(t, "sup", "").AccessToken)
	h.enrol(t, who, Proof{Password: password})
	h.challenged(t, h.Sessions, "sup", "a")
}

func TestARoleThatNeedsAFactorMayOnlyEnrolWithoutOne(t *testing.T) {
	h := newFixture(t) // of auditors a factor is required
	s := h.signIn(t, "reg", "")
	if who := h.who(t, s.AccessToken); !s.MustEnrol || !who.MustEnrol {
		t.Errorf("an auditor without a factor: %+v", who)
	}
	phone, _ := h.enrol(t, h.who(t, s.AccessToken), Proof{Password: password})
	if h.who(t, s.AccessToken).MustEnrol {
		t.Error("an auditor who has enrolled must enrol")
	}
	s, err := h.SignInWithFactor(context.Background(), FactorLogin{Token: h.challenged(t, h.Sessions, "reg", "a"),
		Code: phone.code(t, 0)})
	check(t, err)
	if s.MustEnrol {
		t.Error("an auditor with a factor must enrol")
	}
	if h.who(t, h.signIn(t, "sup", "").AccessToken).MustEnrol {
		t.Error("a supervisor must enrol")
	}
}

// The device of a sign-in is registered once the code is right, not before.
func TestADeviceIsRegisteredAfterTheCode(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	phone, _ := h.enrol(t, h.who(t, h.signIn(t, "sup", "").AccessToken), Proof{Password: password})
	_, err := h.SignIn(ctx, Login{Login: "sup", Password: password, Device: &Device{ID: "laptop", Platform: "web"}})
	var required *FactorRequired
	if !errors.As(err, &required) {
		t.Fatal(err)
	}
	if _, err := h.keeper.DeviceStatus(ctx, "laptop"); !errors.Is(err, ErrNoDevice) {
		t.Errorf("the device is registered by a password alone: %v", err)
	}
	s, err := h.SignInWithFactor(ctx, FactorLogin{Token: required.Challenge.Token, Code: phone.code(t, 0)})
	check(t, err)
	if who := h.who(t, s.AccessToken); who.Device != "laptop" {
		t.Errorf("the session is on %q", who.Device)
	}
}
