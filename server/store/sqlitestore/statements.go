package sqlitestore

import (
	"context"
	"database/sql"
	"slices"
	"sync"
)

// mostStatements is how many texts a pool keeps prepared; it prepares others for each use. The store has about sixty.
const mostStatements = 256

// pool is a database whose statements stay prepared once they were run twice: to prepare one costs as much as to run
// it. Rows of a transaction must be closed before the transaction runs the same text again.
type pool struct {
	*sql.DB
	mu       sync.RWMutex
	prepared map[string]*sql.Stmt // nil for a text that was run once
}

// openPool is sql.Open.
func openPool(driver, source string) (*pool, error) {
	db, err := sql.Open(driver, source)
	if err != nil {
		return nil, err
	}
	return &pool{DB: db, prepared: map[string]*sql.Stmt{}}, nil
}

// known is the prepared statement of a text, or nil; again says that it was run before and may be prepared.
func (p *pool) known(text string) (s *sql.Stmt, again bool) {
	p.mu.RLock()
	s, again = p.prepared[text]
	p.mu.RUnlock()
	if again {
		return s, again
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, again = p.prepared[text]; !again && len(p.prepared) < mostStatements {
		p.prepared[text] = nil
	}
	return nil, false
}

// prepare prepares a text that was run before. Whoever holds a connection of a pool that has no other must not call it.
func (p *pool) prepare(ctx context.Context, text string) (*sql.Stmt, error) {
	s, err := p.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if other := p.prepared[text]; other != nil {
		return other, s.Close()
	}
	p.prepared[text] = s
	return s, nil
}

// statement is the prepared statement of a text; nil if it is not kept.
func (p *pool) statement(ctx context.Context, text string) (*sql.Stmt, error) {
	s, again := p.known(text)
	if s != nil || !again {
		return s, nil
	}
	return p.prepare(ctx, text)
}

// ExecContext is that of sql.DB.
func (p *pool) ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error) {
	s, err := p.statement(ctx, text)
	switch {
	case err != nil:
		return nil, err
	case s == nil:
		return p.DB.ExecContext(ctx, text, args...)
	}
	return s.ExecContext(ctx, args...)
}

// QueryContext is that of sql.DB.
func (p *pool) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	s, err := p.statement(ctx, text)
	switch {
	case err != nil:
		return nil, err
	case s == nil:
		return p.DB.QueryContext(ctx, text, args...)
	}
	return s.QueryContext(ctx, args...)
}

// QueryRowContext is that of sql.DB.
func (p *pool) QueryRowContext(ctx context.Context, text string, args ...any) *sql.Row {
	s, err := p.statement(ctx, text)
	if err != nil || s == nil {
		return p.DB.QueryRowContext(ctx, text, args...) // which says what is wrong
	}
	return s.QueryRowContext(ctx, args...)
}

// begin begins a transaction.
func (p *pool) begin(ctx context.Context) (*txn, error) {
	tx, err := p.BeginTx(ctx, nil)
	return &txn{Tx: tx, pool: p, used: map[string]*sql.Stmt{}}, err
}

// txn is a transaction of a pool. It is not for concurrent use.
type txn struct {
	*sql.Tx
	pool *pool
	used map[string]*sql.Stmt
	want []string // texts to prepare once the connection is free
}

// statement is the prepared statement of a text in the transaction; nil if there is none yet.
func (t *txn) statement(ctx context.Context, text string) *sql.Stmt {
	if s := t.used[text]; s != nil {
		return s
	}
	s, again := t.pool.known(text)
	if s == nil {
		if again && !slices.Contains(t.want, text) {
			t.want = append(t.want, text)
		}
		return nil
	}
	s = t.StmtContext(ctx, s)
	t.used[text] = s
	return s
}

// ended prepares what the transaction, which has ended, would have used. Without it the next one prepares it.
func (t *txn) ended(ctx context.Context) {
	for _, text := range t.want {
		if _, err := t.pool.prepare(ctx, text); err != nil {
			return
		}
	}
}

// QueryContext is that of sql.Tx.
func (t *txn) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	if s := t.statement(ctx, text); s != nil {
		return s.QueryContext(ctx, args...)
	}
	return t.Tx.QueryContext(ctx, text, args...)
}

// QueryRowContext is that of sql.Tx.
func (t *txn) QueryRowContext(ctx context.Context, text string, args ...any) *sql.Row {
	if s := t.statement(ctx, text); s != nil {
		return s.QueryRowContext(ctx, args...)
	}
	return t.Tx.QueryRowContext(ctx, text, args...)
}

// ExecContext is that of sql.Tx.
func (t *txn) ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error) {
	if s := t.statement(ctx, text); s != nil {
		return s.ExecContext(ctx, args...)
	}
	return t.Tx.ExecContext(ctx, text, args...)
}

// sizes are the lengths of the lists that statements name, so that there are few texts: a list is filled up with its
// last value.
var sizes = []int{1, 2, 4, 8, 16, 32, 64, 128, 200}

// appendList appends values and fills them up to one of the sizes. It gives the marks of the list as well.
func appendList(args []any, values []string) (_ []any, list string) {
	n := len(values)
	for _, size := range sizes {
		if size >= n {
			n = size
			break
		}
	}
	for i := range n {
		args = append(args, values[min(i, len(values)-1)])
	}
	return args, marks(n)
}
