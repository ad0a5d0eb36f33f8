// What exceptions and routes cost per finding, by how many there are. The last two columns are what trying each
// in turn costs. Run after `npm run build`: node test/bench/exceptions.mjs
import { compileExceptions } from '../../dist/route/exceptions.js';
import { exceptionSchema } from '../../dist/route/exceptions-schema.js';
import { routeSchema } from '../../dist/route/schema.js';
import { compileRoutes } from '../../dist/route/tree.js';
import { exampleEvent } from '../../dist/detect/examples.js';
import { createDetector, defaultDetectConfig } from '../../dist/detect/index.js';
import { makeFinding } from '../../dist/model/make-finding.js';

const tools = ['curl', 'wget', 'nc', 'dig', 'nmap', 'tcpdump', 'ssh', 'scp'];
const detector = createDetector(defaultDetectConfig());
const findings = Array.from({ length: 64 }, (_, i) => {
  const event = exampleEvent({ run: `${tools[i % 8]} h${i}.example`, image: `registry.example/team/app${i}:1` });
  event.image.repository = `registry.example/team/app${i}`;
  const verdict = detector.judge(event);
  return makeFinding(event, { ...verdict, severity: 'low', indicators: [] }, `f-${i}`);
});

const matchOf = (i) => ({
  tool: tools[i % tools.length],
  repository: `registry.example/team/app${i}`,
  ancestors: { 1: '/usr/bin/sh' },
  args: ['-s', `http://h${i}.example/health`],
  severity: '<=low',
});

/** Nanoseconds per finding, the median of some rounds. */
function cost(work) {
  const rounds = [];
  for (let round = 0; round < 15; round += 1) {
    const begin = process.hrtime.bigint();
    let done = 0;
    while (process.hrtime.bigint() - begin < 40_000_000n) {
      for (const finding of findings) work(finding);
      done += findings.length;
    }
    rounds.push(Number(process.hrtime.bigint() - begin) / done);
  }
  return Math.round(rounds.sort((a, b) => a - b)[7]);
}

const row = (...cells) => console.log(`| ${cells.map((cell) => String(cell).padStart(12)).join(' | ')} |`);
console.log(`node ${process.version}; nanoseconds per finding`);
row('exceptions', 'looked up', 'in turn');
for (const count of [0, 1, 10, 100, 1000]) {
  const configs = Array.from({ length: count }, (_, i) =>
    exceptionSchema.parse({ name: `e${i}`, reason: 'r', match: matchOf(i) }),
  );
  const compiled = compileExceptions(configs);
  const listen = () => {};
  row(count, cost((one) => compiled.apply(one)), cost((one) => compiled.apply(one, listen)));
}
row('routes', 'looked up', 'in turn');
for (const count of [0, 1, 10, 50, 200]) {
  const routes = Array.from({ length: count }, (_, i) => ({ match: { namespace: `team${i}` }, sinks: ['ops'] }));
  const router = compileRoutes(routeSchema.parse({ routes }), [{ name: 'ops' }]);
  row(count, cost((one) => router.route(one)), cost((one) => router.route(one, undefined, true)));
}
