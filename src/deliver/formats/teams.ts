import type { Severity } from '../../model/finding.ts';
import { shorten } from './compact.ts';
import { type Format, relayed } from './format.ts';
import { more, type Story, storyFor } from './story.ts';

/** A message of Teams may have 28 KB. */
const maxBytes = 27_000;

const colors: Record<Severity, string> = {
  none: 'default',
  info: 'default',
  low: 'accent',
  medium: 'warning',
  high: 'attention',
  critical: 'attention',
};

/** An Adaptive Card for a Teams workflow ("when a Teams webhook request is received"). */
export function teamsFormat(page_url?: string): Format {
  return {
    name: 'teams',
    batches: false,
    render(parcel) {
      if ('relay' in parcel) return relayed(parcel.relay);
      const story = storyFor(parcel, page_url);
      let body = '';
      // Ever shorter texts until it fits.
      for (const most of [2_000, 800, 300, 100]) {
        body = JSON.stringify(messageOf(story, most));
        if (Buffer.byteLength(body) <= maxBytes) break;
      }
      return { body, content_type: 'application/json; charset=utf-8' };
    },
  };
}

function messageOf(story: Story, most: number): object {
  const body: object[] = [
    {
      type: 'TextBlock',
      size: 'large',
      weight: 'bolder',
      wrap: true,
      color: colors[story.severity],
      text: plain(shorten(`${story.severity.toUpperCase()}  ${story.headline}`, 300)),
    },
  ];
  if (story.test) body.push(block('This is a test that a person asked for.'));
  body.push({
    type: 'FactSet',
    facts: story.facts.map(([title, value]) => ({ title, value: plain(shorten(value, most)) })),
  });
  if (story.why.length > 0)
    body.push(
      heading('Why'),
      ...story.why.slice(0, 8).map((line) => block(`• ${shorten(line, most)}`)),
      ...more(story.why, 8).map(block),
    );
  if (story.tree.length > 1) body.push(heading('Ancestors'), monospace(story.tree, most));
  if (story.samples.length > 0)
    body.push(heading('Also'), ...story.samples.map((line) => block(`• ${shorten(line, 300)}`)));
  if (story.steps.length > 0) body.push(heading('Next'));
  for (const [index, { text, command }] of story.steps.slice(0, 8).entries()) {
    body.push(block(`${index + 1}. ${shorten(text, most)}`));
    if (command !== undefined) body.push(monospace([command], most));
  }
  body.push(...more(story.steps, 8).map(block));
  const actions =
    story.link === undefined ? [] : [{ type: 'Action.OpenUrl', title: 'Open in Lanner', url: story.link }];
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.2',
    msteams: { width: 'Full' },
    body,
    ...(actions.length === 0 ? {} : { actions }),
  };
  return {
    type: 'message',
    attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content }],
  };
}

function heading(text: string): object {
  return { type: 'TextBlock', weight: 'bolder', spacing: 'medium', text };
}

/** A RichTextBlock reads no markdown: an argument cannot become a link. */
function block(text: string): object {
  return { type: 'RichTextBlock', inlines: [{ type: 'TextRun', text }] };
}

function monospace(lines: readonly string[], most: number): object {
  return {
    type: 'RichTextBlock',
    inlines: [{ type: 'TextRun', fontType: 'monospace', text: shorten(lines.join('\n'), most * 2) }],
  };
}

/** TextBlock and FactSet read markdown: its signs are escaped. */
function plain(text: string): string {
  return text.replace(/[\\`*_[\]()~#<>]/g, (sign) => `\\${sign}`);
}
