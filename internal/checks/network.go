package checks

import "context"

func (r *run) configuration(ctx context.Context) Result  { return Result{Status: Skip} }
func (r *run) nameResolution(ctx context.Context) Result { return Result{Status: Skip} }
func (r *run) port(ctx context.Context) Result           { return Result{Status: Skip} }
func (r *run) tls(ctx context.Context) Result            { return Result{Status: Skip} }
func (r *run) clock(ctx context.Context) Result          { return Result{Status: Skip} }
func (r *run) authority(ctx context.Context) Result      { return Result{Status: Skip} }
func (r *run) clientID(ctx context.Context) Result       { return Result{Status: Skip} }
func (r *run) redirectURL(ctx context.Context) Result    { return Result{Status: Skip} }
