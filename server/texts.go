package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/server/casework"
	"doorstep/server/conduct/words"
	"doorstep/server/httpapi"
	"doorstep/server/ladder"
	"doorstep/server/notify"
	"doorstep/server/notify/sms"
	"doorstep/server/office"
	"doorstep/sync/journal"
)

// textFile is the file in the data folder to which texts are appended unless another carrier is configured.
const textFile = "sms.ndjson"

// smsConfig reads the file with who carries texts; "" is the file carrier.
func smsConfig(path string) (sms.Config, error) {
	if path == "" {
		return sms.Config{}, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return sms.Config{}, fmt.Errorf("read who carries texts: %w", err)
	}
	c, err := sms.ReadConfig(text)
	if err != nil {
		return c, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// openTexts makes what sends texts and takes in what the carrier tells.
func (s *Server) openTexts() error {
	carrier, err := s.cfg.sms.Open(filepath.Join(s.cfg.Data, textFile), s.journal.Now)
	if err != nil {
		return err
	}
	s.texts = notify.NewTexts(s.journal, textLedger{s.casework}, carrier, s.cfg.Log)
	s.hooks = textHooks{s: s, hooks: s.cfg.sms.Hooks()}
	return nil
}

// textOffice is what casework asks of the office about texts.
type textOffice struct{ office *office.Service }

func (o textOffice) Ladder(ctx context.Context, lender, country string) (ladder.Definition, error) {
	l, err := o.office.LadderOf(ctx, lender, country)
	return l.Definition, err
}

func (o textOffice) Template(ctx context.Context, lender, kind, language, country string, neutral bool) (
	casework.TextTemplate, bool, error) {
	t, ok, err := o.office.TemplateFor(ctx, lender, kind, language, country, neutral)
	if err != nil || !ok {
		return casework.TextTemplate{}, false, err
	}
	return casework.TextTemplate{ID: t.ID, Version: t.Version, Language: t.Language, Text: t.Text,
		Released: t.Released}, true, nil
}

func (o textOffice) Sender(ctx context.Context, lender string) (casework.TextSender, error) {
	t, l, err := o.office.TextSenderOf(ctx, lender)
	out := casework.TextSender{Name: t.Name, ComplaintPhone: l.Phone, Links: t.Links}
	out.Products, out.Consequences = l.Said()
	return out, err
}

func (o textOffice) Texting(ctx context.Context) ([]string, error) { return o.office.Texting(ctx) }

func (o textOffice) Overlays(ctx context.Context, b auth.BranchID) ([]string, error) {
	branch, err := o.office.Branch(ctx, b)
	return branch.Profiles, err
}

// textLedger is what the sender of texts uses of casework.
type textLedger struct{ casework *casework.Service }

func (l textLedger) Step(ctx context.Context, b auth.BranchID, now time.Time) (bool, error) {
	return l.casework.StepLadders(ctx, b, now)
}

func (l textLedger) Due(ctx context.Context, b auth.BranchID, now time.Time, skip func(string) bool) ([]string,
	error) {
	return l.casework.DueTexts(ctx, b, now, skip)
}

func (l textLedger) Stuck(ctx context.Context, b auth.BranchID) ([]string, error) {
	return l.casework.StuckTexts(ctx, b)
}

func (l textLedger) Start(ctx context.Context, b auth.BranchID, id string) (notify.Text, bool, error) {
	out, ok, err := l.casework.StartText(ctx, b, id)
	return notify.Text(out), ok, err
}

func (l textLedger) Settle(ctx context.Context, b auth.BranchID, id string, o notify.TextOutcome) error {
	_, err := l.casework.One(ctx, auth.System(), b, casework.Request{ID: "text:" + journal.NewID(),
		Cmd: casework.SettleText{ID: id, State: o.State, Provider: o.Carrier, ProviderID: o.CarrierID, Reason: o.Reason,
			After: o.After}})
	return err
}

// textHooks takes in what carriers tell.
type textHooks struct {
	s     *Server
	hooks sms.Hooks
}

// branches lists the branches in which there may be cases.
func (h textHooks) branches(ctx context.Context) ([]auth.BranchID, error) {
	all, err := h.s.store.Branches(ctx)
	return slices.DeleteFunc(all, func(b auth.BranchID) bool { return b == auth.OrgBranch }), err
}

// TakeReceipt takes in what a carrier says of a text.
func (h textHooks) TakeReceipt(ctx context.Context, provider string, r httpapi.HookRequest) error {
	receipt, err := h.hooks.Receipt(provider, sms.HookRequest(r))
	if err != nil {
		return err
	}
	branches, err := h.branches(ctx)
	if err != nil {
		return err
	}
	for _, b := range branches {
		there, err := h.s.casework.HasMessage(ctx, b, receipt.Message)
		if err != nil {
			return err
		}
		if !there {
			continue
		}
		if receipt.State == "" {
			return nil
		}
		_, err = h.s.casework.One(ctx, auth.System(), b, casework.Request{ID: "receipt:" + journal.NewID(),
			Cmd: casework.SettleText{ID: receipt.Message, State: receipt.State, Provider: provider, ProviderID: receipt.ID,
				Reason: receipt.Reason, Receipt: true}})
		h.s.texts.Poke(b)
		return err
	}
	return refusal.New(refusal.NotFound, "message.not_found", "message", "there is no such message here")
}

// TakeReply takes in a text that a carrier brings.
func (h textHooks) TakeReply(ctx context.Context, provider string, r httpapi.HookRequest) error {
	reply, err := h.hooks.Reply(provider, sms.HookRequest(r))
	if err != nil {
		return err
	}
	branches, err := h.branches(ctx)
	if err != nil {
		return err
	}
	err = h.s.casework.Reply(ctx, casework.Incoming{Provider: provider, ID: reply.ID, Number: reply.From,
		Text: reply.Text}, branches)
	if errors.Is(err, journal.ErrReused) {
		return refusal.New(refusal.Conflict, "hook.reused", "id", "another text came under this id before")
	}
	for _, b := range branches {
		h.s.texts.Poke(b)
	}
	return err
}

// intent tells what a reply means.
func intent(language, text string) ladder.Answer {
	r := words.Intent(language, text)
	return ladder.Answer(r)
}
