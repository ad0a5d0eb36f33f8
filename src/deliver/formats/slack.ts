import type { Severity } from '../../model/finding.ts';
import { shorten } from './compact.ts';
import { type Format, relayed } from './format.ts';
import { more, type Story, storyFor } from './story.ts';

/** Block Kit's limits. The sum of a message stays below where Slack has answered msg_blocks_too_long. */
const limits = { header: 150, section: 3_000, text: 1_000, message: 12_000 };

const marks: Record<Severity, string> = {
  none: '⚪',
  info: '⚪',
  low: '🔵',
  medium: '🟡',
  high: '🟠',
  critical: '🔴',
};

/** Slack's Block Kit for incoming webhooks. */
export function slackFormat(page_url?: string): Format {
  return {
    name: 'slack',
    batches: false,
    render(parcel) {
      if ('relay' in parcel) return relayed(parcel.relay);
      const story = storyFor(parcel, page_url);
      // Ever shorter texts until it fits: what is cut is cut before it is escaped.
      let { message } = messageOf(story, 30);
      for (const most of [900, 400, 200, 80]) {
        const fuller = messageOf(story, most);
        if (fuller.cut || JSON.stringify(fuller.message).length > limits.message) continue;
        message = fuller.message;
        break;
      }
      return { body: JSON.stringify(message), content_type: 'application/json; charset=utf-8' };
    },
  };
}

interface Message {
  text: string;
  blocks: { type: string; text?: { type: string; text: string } }[];
}

/** `cut`: a section was longer than Slack allows, and has lost its end. */
function messageOf(story: Story, most: number): { message: Message; cut: boolean } {
  const headline = `${marks[story.severity]} ${story.severity.toUpperCase()}  ${story.headline}`;
  const blocks: Message['blocks'] = [];
  let cut = false;
  const say = (text: string) => {
    cut ||= text.length > limits.section;
    blocks.push({ type: 'section', text: { type: 'mrkdwn', text: shorten(text, limits.section) } });
  };
  const header = { type: 'plain_text', text: shorten(headline, limits.header), emoji: true };
  blocks.push({ type: 'header', text: header });
  if (story.test) say('*This is a test that a person asked for.*');
  const facts = story.facts.map(
    ([name, value]) => `*${name}*  ${name === 'Command' ? code(value, most) : safe(value, most)}`,
  );
  say(facts.join('\n'));
  if (story.why.length > 0) say(`*Why*\n${bullets(story.why, most)}`);
  if (story.tree.length > 1) say(`*Ancestors*\n${codeBlock(story.tree, most)}`);
  if (story.samples.length > 0) say(`*Also*\n${bullets(story.samples, most)}`);
  const steps = story.steps.slice(0, 8).map(({ text, command }, index) => {
    const pasted = command === undefined ? '' : `\n${code(command, most)}`;
    return `${index + 1}. ${safe(text, most)}${pasted}`;
  });
  if (steps.length > 0) say(`*Next*\n${[...steps, ...more(story.steps, 8)].join('\n')}`);
  if (story.link !== undefined) say(`<${safe(story.link, 1_000)}|Open in Lanner>`);
  // `text` is what notifications and screen readers show.
  return { message: { text: safe(headline, limits.text), blocks }, cut };
}

function bullets(lines: readonly string[], most: number): string {
  const shown = lines.slice(0, 10).map((line) => `• ${safe(line, most)}`);
  return [...shown, ...more(lines, 10)].join('\n');
}

/** Slack's own three: else an argument could mention a channel or show a link that lies. */
function safe(text: string, most: number): string {
  return shorten(text, most).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** A back quote would end the code; one that looks like it does not. */
function code(text: string, most: number): string {
  return `\`${safe(text, most).replaceAll('`', 'ˋ')}\``;
}

function codeBlock(lines: readonly string[], most: number): string {
  const shown = [...more(lines, 12), ...lines.slice(-12).map((line) => safe(line, most))];
  return `\`\`\`${shown.join('\n').replaceAll('`', 'ˋ')}\`\`\``;
}
