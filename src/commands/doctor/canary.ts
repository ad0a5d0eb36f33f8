import { canarySign } from '../../canary/program.ts';
import { canarySources } from '../../service/canary.ts';
import { hidesCanary } from '../../sources/canary-sight.ts';
import { type Check, ok, warn } from './check.ts';

export const canary: Check = {
  id: 'canary',
  run({ config }) {
    const names = canarySources(config);
    if (names.length === 0)
      return [
        warn(
          'canary',
          'off: a sensor that has stopped seeing looks like peace',
          'Set canary: {enabled: true}.',
        ),
      ];
    return names.map((name) => {
      const why = hidesCanary(config.sources[name]!, canarySign());
      if (why === undefined)
        return ok(`source ${name}`, `held to reporting a canary every ${config.canary.interval_secs} s`);
      return warn(
        `source ${name}`,
        `may never report the canary: ${why}`,
        'Change the filter, or leave the source out of canary.sources.',
      );
    });
  },
};
