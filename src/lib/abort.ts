/**
 * Runs `action` with a signal that aborts after `ms` or with `signal`, and lets go of both afterwards.
 * `AbortSignal.any` on a signal that lives as long as the process keeps a trace of every call.
 */
export async function within<T>(
  ms: number,
  signal: AbortSignal,
  action: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const own = new AbortController();
  const onAbort = () => own.abort(signal.reason);
  const timer = setTimeout(() => own.abort(new Error(`no answer within ${ms} ms`)), ms);
  timer.unref();
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await action(own.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}
