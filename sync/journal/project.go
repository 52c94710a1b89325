package journal

// Project derives what a page makes visible. It is the only place that says how
// views follow from entries: live commits, catching up and fsck all use it.
func Project(entries []Entry) ViewWrites {
	var v ViewWrites
	at := map[DocRef]int{}
	feedAt := map[feedRef]int{}
	for i := range entries {
		e := &entries[i]
		for _, d := range e.Docs {
			r := Record{Branch: e.Branch, Type: d.Type, ID: d.ID, N: e.N, Rev: d.Rev, No: d.No, Deleted: d.Deleted,
				Body: d.State}
			ref := DocRef{d.Type, d.ID}
			// Within a page only the last state of a document is written.
			if j, seen := at[ref]; seen {
				if r.No == 0 {
					r.No = v.Records[j].No
				}
				v.Records[j] = r
				continue
			}
			at[ref] = len(v.Records)
			v.Records = append(v.Records, r)
		}
		for j, f := range e.Feeds {
			row := FeedEntry{Feed: f.Feed, Seq: Seq(0, e.N, j), Type: f.Type, ID: f.ID}
			ref := feedRef{f.Feed, f.Type, f.ID}
			if k, seen := feedAt[ref]; seen {
				v.Feeds[k] = row
				continue
			}
			feedAt[ref] = len(v.Feeds)
			v.Feeds = append(v.Feeds, row)
		}
		if e.Command != "" && e.Part == 0 {
			v.Receipts = append(v.Receipts, Receipt{Command: e.Command, N: e.N, Said: e.Said, Body: e.Receipt})
		}
	}
	return v
}

type feedRef struct {
	feed    Feed
	typ, id string
}
