import { expiredNow } from '../../service/judging.ts';
import { type Check, ok, warn } from './check.ts';

/** An exception that ends this soon is named before it does. */
const soonDays = 14;

export const exceptions: Check = {
  id: 'exceptions',
  run({ config, now }) {
    const expired = expiredNow(config);
    const gone = new Set(expired.map(({ name }) => name));
    const soon = config.exceptions.filter(
      ({ name, expires }) =>
        !gone.has(name) && expires !== undefined && Date.parse(expires) - now() < soonDays * 86_400_000,
    );
    const mend = 'Renew it if it is still expected, else take it out.';
    const named = [
      ...expired.map(({ name, expires }) =>
        warn(`exception ${name}`, `expired ${expires} and does not apply`, mend),
      ),
      ...soon.map(({ name, expires }) => warn(`exception ${name}`, `expires ${expires}`, mend)),
    ];
    if (named.length > 0) return named;
    return [
      ok(
        'exceptions',
        config.exceptions.length === 0 ? 'none' : `${config.exceptions.length}, none expires soon`,
      ),
    ];
  },
};
