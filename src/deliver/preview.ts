/**
 * What a receiver is likely to show of a body, as plain text: for `lanner sink test` and the reference. Told by
 * the body's own form, so that a template that writes the messages of a vendor is shown as well.
 */

type Tree = { readonly [key: string]: unknown };

/** One line each; undefined if the body is no message of a form that is known here. Never throws. */
export function preview(body: string): string[] | undefined {
  const value = parsed(body);
  const lines = Array.isArray(value) ? alertmanager(value) : isTree(value) ? message(value) : undefined;
  return lines?.flatMap((line) => line.split('\n')).map((line) => line.trimEnd());
}

function message(value: Tree): string[] | undefined {
  if (isList(value.blocks)) return slack(value.blocks);
  if (isList(value.attachments)) return teams(value.attachments);
  if (isList(value.embeds)) return discord(value.embeds);
  if (isList(value.cardsV2)) return googleChat(value.cardsV2);
  if (text(value.event_action) !== '' && isTree(value.payload)) return pagerduty(value, value.payload);
  return undefined;
}

function slack(blocks: readonly unknown[]): string[] {
  return trees(blocks).flatMap((block, index) => {
    if (!isTree(block.text)) return [];
    const said = text(block.text.text);
    if (block.text.type !== 'mrkdwn') return [said];
    const plain = said
      .replace(/<(https?:[^|>]*)\|([^>]*)>/g, '$2: $1')
      .replace(/^\*([^*\n]+)\*/gm, '$1')
      .replaceAll('```', '')
      .replace(/(^|\s)`([^`\n]*)`/g, '$1$2');
    return [...(index === 0 ? [] : ['']), unescaped(plain)];
  });
}

function teams(attachments: readonly unknown[]): string[] {
  return trees(attachments).flatMap(({ content }) => {
    if (!isTree(content)) return [];
    const actions = trees(content.actions).map(({ title, url }) => `[${text(title)}] ${text(url)}`);
    return [...trees(content.body).flatMap(adaptive), ...actions];
  });
}

function adaptive(part: Tree): string[] {
  const plain = (marked: unknown) => text(marked).replace(/\\([\\`*_[\]()~#<>])/g, '$1');
  if (part.type === 'TextBlock') return [...(part.spacing === undefined ? [] : ['']), plain(part.text)];
  if (part.type === 'FactSet')
    return ['', ...trees(part.facts).map(({ title, value }) => `${plain(title)}  ${plain(value)}`)];
  if (part.type === 'RichTextBlock')
    return [
      trees(part.inlines)
        .map((run) => text(run.text))
        .join(''),
    ];
  return [];
}

function discord(embeds: readonly unknown[]): string[] {
  return trees(embeds).flatMap((embed) => [
    text(embed.title),
    ...(text(embed.url) === '' ? [] : [text(embed.url)]),
    '',
    text(embed.description).trim(),
    ...trees(embed.fields).flatMap(({ name, value }) => [
      '',
      text(name),
      text(value).replaceAll('```', '').trim(),
    ]),
  ]);
}

function googleChat(cards: readonly unknown[]): string[] {
  return trees(cards).flatMap(({ card }) => {
    if (!isTree(card)) return [];
    const head = isTree(card.header) ? [`${text(card.header.title)}  ${text(card.header.subtitle)}`] : [];
    const sections = trees(card.sections).flatMap((section) => [
      '',
      ...(text(section.header) === '' ? [] : [text(section.header)]),
      ...trees(section.widgets).flatMap(widget),
    ]);
    return [...head, ...sections];
  });
}

function widget({ decoratedText, textParagraph, buttonList }: Tree): string[] {
  if (isTree(decoratedText))
    return [`${text(decoratedText.topLabel)}  ${unescaped(text(decoratedText.text))}`];
  if (isTree(textParagraph)) return [unescaped(text(textParagraph.text)).trim()];
  if (!isTree(buttonList)) return [];
  return trees(buttonList.buttons).map(({ text: label, onClick }) => {
    const link = isTree(onClick) && isTree(onClick.openLink) ? text(onClick.openLink.url) : '';
    return `[${text(label)}] ${link}`;
  });
}

function pagerduty(event: Tree, payload: Tree): string[] {
  if (event.event_action !== 'trigger') return [`${text(event.event_action)}: ${text(payload.summary)}`];
  const details = isTree(payload.custom_details) ? Object.entries(payload.custom_details) : [];
  return [
    text(payload.summary),
    '',
    ...['severity', 'source', 'component', 'group', 'class'].flatMap((name) =>
      text(payload[name]) === '' ? [] : [`${name}  ${text(payload[name])}`],
    ),
    ...details.flatMap(([name, value]) => detail(name, value)),
    ...trees(event.links).map((link) => `[${text(link.text)}] ${text(link.href)}`),
  ];
}

/** A list stands below its name; what is deeper folds away in PagerDuty. */
function detail(name: string, value: unknown): string[] {
  if (isTree(value)) return [`${name}  {…}`];
  if (!isList(value)) return [`${name}  ${text(value)}`];
  return value.length === 0 ? [] : [name, ...value.map((one) => indented(text(one)))];
}

function alertmanager(alerts: readonly unknown[]): string[] | undefined {
  const all = trees(alerts).filter(({ labels }) => isTree(labels) && text(labels.alertname) !== '');
  if (all.length === 0 || all.length < alerts.length) return undefined;
  return all.flatMap(({ labels, annotations, generatorURL }, index) => [
    ...(index === 0 ? [] : ['']),
    ...pairs(labels).map(([name, value]) => `${name}="${value}"`),
    '',
    ...pairs(annotations).flatMap(([name, value]) =>
      value.includes('\n') ? [name, indented(value)] : [`${name}  ${value}`],
    ),
    ...(text(generatorURL) === '' ? [] : [`[Source] ${text(generatorURL)}`]),
  ]);
}

function indented(lines: string): string {
  return `  ${lines.replaceAll('\n', '\n  ')}`;
}

function pairs(value: unknown): [string, string][] {
  return isTree(value) ? Object.entries(value).map(([name, one]) => [name, text(one)]) : [];
}

const entities: Readonly<Record<string, string>> = {
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#34;': '"',
  '&#39;': "'",
  '&nbsp;': ' ',
  '&amp;': '&',
};

function unescaped(marked: string): string {
  return marked
    .replaceAll('<br>', '\n')
    .replace(/&(?:lt|gt|quot|#34|#39|nbsp|amp);/g, (one) => entities[one]!);
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

function trees(value: unknown): Tree[] {
  return isList(value) ? value.filter(isTree) : [];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}
