package journal

// decisions are those of one Do call, by command; nil where a command is to be decided. A
// decision is kept while others are decided again: it stands as long as what it read does.
type decisions []*decision

// decision is what was decided about one command.
type decision struct {
	of      *group // it was decided with these, on reads of one moment
	item    *item  // nil for a command that needs none: it was answered before, or is not well formed
	outcome Outcome
	kept    bool // it has been kept while an earlier one was decided again
}

// put notes what was decided about the commands from an index on.
func (ds decisions) put(from int, g *group, outcomes []Outcome) {
	for i := range outcomes {
		ds[from+i] = &decision{of: g, outcome: outcomes[i]}
	}
	for i := range g.items {
		ds[g.items[i].command].item = &g.items[i]
	}
}

// group gives the items to submit next: those of the decisions from an index on, to before
// until, that were made together. It goes by the same id as the group that they were
// decided in, so that what they wrote themselves overtakes none of them.
func (ds decisions) group(from int) (g *group, until int) {
	of := ds[from].of
	g = &group{id: of.id, readAt: of.readAt, done: make(chan struct{})}
	for until = from; until < len(ds) && ds[until] != nil && ds[until].of == of; until++ {
		if ds[until].item != nil {
			g.items = append(g.items, *ds[until].item)
		}
	}
	return g, until
}

// forget drops the decision about a command that was overtaken, and those that have built
// on what it would have written. The others are kept: should what the command writes when
// it is decided again touch what they read, the committer finds them overtaken.
func (ds decisions) forget(cmds []Command, overtaken int) {
	changed := map[Key]struct{}{}
	for i := overtaken; i < len(ds); i++ {
		d := ds[i]
		if d == nil {
			continue
		}
		if i > overtaken && !d.rests(CommandKey(cmds[i].ID), changed) {
			d.kept = true
			continue
		}
		ds[i] = nil
		changed[CommandKey(cmds[i].ID)] = struct{}{}
		if d.item == nil {
			continue
		}
		for k := range d.item.entries {
			for _, key := range d.item.entries[k].entry.Writes {
				changed[key] = struct{}{}
			}
		}
	}
}

// rests tells whether the decision about a command rests on one of some keys.
func (d *decision) rests(command Key, keys map[Key]struct{}) bool {
	if _, ok := keys[command]; ok {
		return true
	}
	if d.item == nil {
		return false
	}
	for _, k := range d.item.reads {
		if _, ok := keys[k.Key]; ok {
			return true
		}
	}
	return false
}
