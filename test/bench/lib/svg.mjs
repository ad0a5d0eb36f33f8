// A curve as SVG: points, the line through them, the slope in words.
const W = 480;
const H = 300;
const LEFT = 60;
const BOTTOM = 44;
const TOP = 44;
const RIGHT = 16;

/** Exponent of y ~ x^k: 1 is linear, 0 is flat. Points at x = 0 are left out. */
export function exponent(points) {
  const logs = points.filter(({ x }) => x > 0).map(({ x, y }) => [Math.log(x), Math.log(y)]);
  return slopeOf(logs);
}

/** Least squares: what one more of x costs. */
export function slope(points) {
  return slopeOf(points.map(({ x, y }) => [x, y]));
}

function slopeOf(pairs) {
  const mean = (at) => pairs.reduce((sum, pair) => sum + pair[at], 0) / pairs.length;
  const [mx, my] = [mean(0), mean(1)];
  return pairs.reduce((sum, [x, y]) => sum + (x - mx) * (y - my), 0) / pairs.reduce((sum, [x]) => sum + (x - mx) ** 2, 0);
}

const escape = (text) => text.replace(/[&<>]/g, (one) => `&#${one.charCodeAt(0)};`);
const short = (value) => (value >= 1000 ? `${Number((value / 1000).toPrecision(3))}k` : String(Number(value.toPrecision(3))));

/** `points`: [{x, y, min, max}]; y begins at zero. */
export function curve({ title, note, xLabel, yLabel, points }) {
  const xMax = Math.max(...points.map(({ x }) => x));
  const yMax = Math.max(...points.map(({ max }) => max)) * 1.1;
  const x = (value) => LEFT + (value / xMax) * (W - LEFT - RIGHT);
  const y = (value) => H - BOTTOM - (value / yMax) * (H - BOTTOM - TOP);
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => share * yMax);
  const text = (at, top, anchor, words, size = 11) => `<text x="${at.toFixed(1)}" y="${top.toFixed(1)}" text-anchor="${anchor}" font-size="${size}">${escape(words)}</text>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${W} ${H}" font-family="system-ui, sans-serif">
<rect width="${W}" height="${H}" fill="#fff"/>
${text(LEFT, 18, 'start', title, 13)}
${text(LEFT, 34, 'start', note)}
${ticks.map((value) => `<path d="M${LEFT} ${y(value).toFixed(1)}H${W - RIGHT}" stroke="#ddd"/>${text(LEFT - 6, y(value) + 4, 'end', short(value))}`).join('\n')}
${points.map((one) => `<path d="M${x(one.x).toFixed(1)} ${y(one.min).toFixed(1)}V${y(one.max).toFixed(1)}" stroke="#888"/><circle cx="${x(one.x).toFixed(1)}" cy="${y(one.y).toFixed(1)}" r="3" fill="#1f5fa8"/>`).join('\n')}
<polyline fill="none" stroke="#1f5fa8" stroke-width="1.5" points="${points.map((one) => `${x(one.x).toFixed(1)},${y(one.y).toFixed(1)}`).join(' ')}"/>
${points.map((one) => text(x(one.x), H - BOTTOM + 15, 'middle', short(one.x))).join('\n')}
${text((LEFT + W) / 2, H - 10, 'middle', xLabel)}
<text x="14" y="${H / 2}" font-size="11" text-anchor="middle" transform="rotate(-90 14 ${H / 2})">${escape(yLabel)}</text>
</svg>
`;
}
