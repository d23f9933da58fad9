package checks

import "context"

func (r *run) credential(ctx context.Context) Result { return Result{Status: Skip} }
func (r *run) tokenSMTP(ctx context.Context) Result  { return Result{Status: Skip} }
func (r *run) claims(ctx context.Context) Result     { return Result{Status: Skip} }
func (r *run) tokenGraph(ctx context.Context) Result { return Result{Status: Skip} }
func (r *run) identity(ctx context.Context) Result   { return Result{Status: Skip} }
func (r *run) licence(ctx context.Context) Result    { return Result{Status: Skip} }
func (r *run) smtpAuth(ctx context.Context) Result   { return Result{Status: Skip} }
func (r *run) accepted(ctx context.Context) Result   { return Result{Status: Skip} }
func (r *run) sendAs(ctx context.Context) Result     { return Result{Status: Skip} }
func (r *run) testEmail(ctx context.Context) Result  { return Result{Status: Skip} }
func (r *run) renewal(ctx context.Context) Result    { return Result{Status: Skip} }
