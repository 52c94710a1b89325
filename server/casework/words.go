package casework

// codeWords refuses values that are no codes or ids: 1 to 128 letters A to Z,
// digits and a few signs, or nothing. What is kept in the clear for ever must not
// have room for a name or an address; sentences belong into the members that are sealed.
func codeWords(field string, values ...string) *Error {
	for _, v := range values {
		if v != "" && !externalPattern.MatchString(v) {
			return refuse(Invalid, "validation."+lastName(field), field, "this is a code or an id: at most 128 letters A to Z, digits and any of _.:/@#+-; write sentences in a note")
		}
	}
	return nil
}

// checkWords refuses free text in the members of a visit that are kept in the clear.
func (v *Visit) checkWords() *Error {
	type words struct {
		field  string
		values []string
	}
	all := []words{{"assignment", []string{v.Assignment}}, {"debt_ids", v.Debts}, {"notice_ref", []string{v.NoticeRef}}, {"address_id", []string{v.Address}},
		{"items", v.Items}, {"plan", []string{v.Plan}}, {"payment_ref", []string{v.PaymentRef}}, {"supersedes", []string{v.Supersedes}},
		{"observations.weather", []string{v.Observations.Weather}}}
	if m := v.PersonMet; m != nil {
		all = append(all, words{"person_met.language", []string{m.Language}}, words{"person_met.name_hash", []string{m.NameHash}})
	}
	if r := v.Recording; r != nil {
		all = append(all, words{"recording", []string{r.Consent, r.SHA256, r.Device}})
	}
	for _, p := range v.Photos {
		all = append(all, words{"photos", []string{p.SHA256, p.Necessity}})
	}
	for _, a := range v.Attachments {
		all = append(all, words{"attachments", []string{a.ID, a.SHA256, a.Kind}})
	}
	for _, a := range v.Agents {
		// Numbers of badges and letters are written as each office writes them; they are the agent's own.
		for _, s := range []string{a.BadgeNo, a.CertNo, a.LetterNo, a.CertTo} {
			if len(s) > 64 {
				return refuse(Invalid, "validation.agents", "agents", "a number of a badge, certificate or letter has at most 64 bytes")
			}
		}
		all = append(all, words{"agents.agent_id", []string{string(a.Agent)}})
	}
	for _, w := range all {
		if err := codeWords(w.field, w.values...); err != nil {
			return err
		}
	}
	return nil
}

// checkWords refuses free text in the members of a consent.
func (c *Consent) checkWords() *Error {
	all := map[string][]string{"visit": {c.Visit}, "language": {c.Language}, "notice_version": {c.NoticeVersion}, "text_shown_sha256": {c.TextSHA256},
		"withdraws": {c.Withdraws}, "withdrawn_via": {c.Via}, "legal_basis": {c.LegalBasis}, "pii_categories": c.Categories, "third_parties": c.ThirdParties,
		"supersedes": {c.Supersedes}}
	if e := c.Evidence; e != nil {
		all["evidence"] = []string{e.Recording, e.SignatureSHA256}
		if len(e.Bucket) > 6 {
			return refuse(Invalid, "validation.gps_bucket", "evidence.gps_bucket", "a coarse cell of at most 6 characters, never a point")
		}
		all["evidence.gps_bucket"] = []string{e.Bucket}
	}
	if r := c.Receipt; r != nil {
		all["receipt"] = []string{r.ID, r.Via}
	}
	for field, values := range all {
		if err := codeWords(field, values...); err != nil {
			return err
		}
	}
	return nil
}

// checkWords refuses free text in the members of a plan.
func (p *Plan) checkWords() *Error {
	all := map[string][]string{"visit": {p.Visit}}
	if p.Hardship != nil {
		all["hardship.evidence"] = p.Hardship.Evidence
	}
	if p.Terms != nil {
		all["default_terms.next_step"] = []string{p.Terms.NextStep}
	}
	if p.Copy != nil {
		all["copy"] = []string{p.Copy.Via, p.Copy.SHA256}
	}
	for field, s := range map[string]*PlanStep{"offer": p.Offered, "acceptance": p.Accepted} {
		if s != nil {
			all[field] = []string{string(s.By), s.Channel, s.Consent, s.Method}
		}
	}
	for _, d := range p.Debts {
		all["debts"] = append(all["debts"], d.Debt)
	}
	for field, values := range all {
		if err := codeWords(field, values...); err != nil {
			return err
		}
	}
	return nil
}
