import { describe, expect, it } from 'vitest';
import { defaultDetectConfig } from '../../src/detect/config.ts';
import { exampleEvent } from '../../src/detect/examples.ts';
import { createDetector, detectSchema } from '../../src/detect/index.ts';
import type { ExecEvent } from '../../src/model/exec-event.ts';
import type { Finding } from '../../src/model/finding.ts';
import { imageFromReference } from '../../src/model/image.ts';
import { makeFinding } from '../../src/model/make-finding.ts';
import { presetNames, presetOf } from '../../src/presets.ts';
import { compileExceptions } from '../../src/route/exceptions.ts';
import type { Preset } from '../../src/route/presets-schema.ts';

type Example = Preset['examples']['hides'][number];

/** With the programs that a preset needs counted as tools. */
function detectorFor({ needs_tools }: Preset) {
  const add = needs_tools.map((name) => ({
    id: name.replaceAll('-', '_'),
    category: 'diag' as const,
    names: [name],
  }));
  return createDetector(add.length === 0 ? defaultDetectConfig() : detectSchema.parse({ tools: { add } }));
}

function eventOf({ image, by, ...example }: Example): ExecEvent {
  const event = exampleEvent({
    run: example.run,
    image,
    ...(by !== undefined && { by }),
    ...(example.exe !== undefined && { exe: example.exe }),
    ...(example.tty !== undefined && { tty: example.tty }),
    in_init_tree: example.in_init_tree ?? true,
  });
  if (example.exe !== undefined) event.process.binary = example.exe;
  return { ...event, image: imageFromReference(image) };
}

/** What detection says nothing about by default is taken for `low`, so that the exception itself is tried. */
function findingOf(event: ExecEvent, preset: Preset): Finding {
  const verdict = detectorFor(preset).judge(event);
  const severity = verdict.severity === 'none' ? 'low' : verdict.severity;
  const { tool, category, indicators, peers } = verdict;
  return makeFinding(
    event,
    {
      ...verdict,
      severity,
      indicators,
      ...(tool !== undefined && { tool }),
      ...(category !== undefined && { category }),
      ...(peers !== undefined && { peers }),
    },
    'f-1',
  );
}

/** The same exec by a sensor that joins the words. */
function joined(event: ExecEvent): ExecEvent {
  const text = event.process.argv.slice(1).join(' ');
  return {
    ...event,
    sensor: 'falco',
    process: {
      ...event.process,
      argv: [event.process.argv[0]!, ...text.split(' ').filter((word) => word !== '')],
      argv_quality: 'split',
      arguments: text,
    },
  };
}

it('there are presets for databases, debug images, CI runners and meshes', () => {
  for (const name of ['postgres-probes', 'redis-probes', 'netshoot', 'gitlab-runner', 'istio-proxy'])
    expect(presetNames()).toContain(name);
});

describe.each(presetNames().map((name) => ({ name, preset: presetOf(name) })))(
  '$name',
  ({ name, preset }) => {
    const exceptions = compileExceptions(preset.exceptions);

    it('is named after itself, narrow and without what breaks hard indicators', () => {
      for (const one of preset.exceptions) {
        expect(one.name).toMatch(new RegExp(`^preset-${name}`));
        expect(one.match).toMatchObject({ severity: '<=low' });
        expect(one.even_if).toEqual([]);
      }
    });

    it.each(preset.examples.hides)('hides $run', (example) => {
      const finding = findingOf(eventOf(example), preset);
      expect(finding.tool, 'a tool').toBeDefined();
      const seen: string[] = [];
      const { hidden } = exceptions.apply(finding, ({ why }) => seen.push(why));
      expect(hidden, seen.join('; ')).toBe(true);
    });

    it.each(preset.examples.keeps)('keeps $run in $image', (example) => {
      const event = eventOf(example);
      expect(exceptions.apply(findingOf(event, preset)).hidden).toBe(false);
      expect(exceptions.apply(findingOf(joined(event), preset)).hidden).toBe(false);
    });

    it('does not apply where the image is not known', () => {
      if (preset.exceptions.some(({ match }) => match?.repository === undefined)) return;
      const { image: _image, ...event } = eventOf(preset.examples.hides[0]!);
      const { hidden, finding } = exceptions.apply(findingOf(event, preset));
      expect(hidden).toBe(false);
      expect(finding.exceptions?.[0]?.why).toBe('the repository is not known');
    });
  },
);
