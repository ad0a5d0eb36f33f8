import { Liquid } from 'liquidjs';
import { LannerError, messageOf } from '../../lib/errors.ts';
import type { Parcel } from '../../model/delivery.ts';
import { shorten } from './compact.ts';
import { type Format, relayed } from './format.ts';
import { lannerBody } from './lanner.ts';
import { commandLine, noticeStory, storyOf } from './story.ts';

/** A template is bounded in time, memory and output, whatever a finding holds. */
const limits = { parseLimit: 100_000, renderLimit: 250, memoryLimit: 20_000_000, output: 1_000_000 };

let made: Liquid | undefined;

/** Made for the first template: most configurations have none. */
function engine(): Liquid {
  if (made !== undefined) return made;
  made = new Liquid({
    // No file is read: what a template includes must stand in itself.
    templates: {},
    ownPropertyOnly: true,
    strictFilters: true,
    parseLimit: limits.parseLimit,
    renderLimit: limits.renderLimit,
    memoryLimit: limits.memoryLimit,
  });
  made.registerFilter('shorten', (text: unknown, most: unknown) =>
    shorten(String(text), Number(most) || 100),
  );
  made.registerFilter('command_line', (argv: unknown) =>
    commandLine(Array.isArray(argv) ? argv.map(String) : []),
  );
  return made;
}

/**
 * A body of the operator's own, written in Liquid. It sees `finding`, `group` and `notice` as the `lanner` format
 * sends them, `story` (headline, facts, why, tree, steps, link) and `delivery_id`; `findings` in a batch. A body
 * that should be JSON and is not is refused, and kept as a dead letter. Throws LannerError `template` on what is
 * no Liquid.
 */
export function templateFormat(text: string, content_type: string, page_url?: string): Format {
  const template = parse(text);
  const isJson = /\bjson\b/i.test(content_type) && !/ndjson/i.test(content_type);
  return {
    name: 'template',
    batches: true,
    render(parcel, options) {
      if ('relay' in parcel) return relayed(parcel.relay);
      const body = String(
        engine().renderSync(template, scopeOf(parcel, options?.compact ?? false, page_url)),
      );
      if (body.length > limits.output)
        throw new Error(`the template makes more than ${limits.output} characters`);
      if (isJson) JSON.parse(body);
      return { body, content_type };
    },
  };
}

function parse(text: string): ReturnType<Liquid['parse']> {
  try {
    return engine().parse(text);
  } catch (error) {
    throw new LannerError(
      'template',
      `the template cannot be read: ${messageOf(error)}`,
      'Mend the template; it is Liquid.',
      {
        cause: error,
      },
    );
  }
}

function scopeOf(parcel: Exclude<Parcel, { relay: unknown }>, compact: boolean, page_url?: string): object {
  if ('notice' in parcel)
    return { delivery_id: parcel.id, notice: parcel.notice, story: noticeStory(parcel.notice) };
  if ('batch' in parcel) {
    const findings = parcel.batch.map((delivery) => lannerBody(delivery, { compact }));
    return {
      delivery_id: parcel.id,
      findings,
      stories: parcel.batch.map((delivery) => storyOf(delivery, page_url)),
    };
  }
  return {
    delivery_id: parcel.id,
    finding: lannerBody(parcel, { compact }),
    group: parcel.group,
    story: storyOf(parcel, page_url),
  };
}
