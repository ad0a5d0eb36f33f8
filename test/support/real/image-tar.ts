import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';

export interface TarEntry {
  name: string;
  mode?: number;
  content?: Buffer;
  /** A symbolic link to this. */
  link?: string;
}

/** A tar archive in the ustar form; a name that ends in / is a folder. */
export function tar(entries: readonly TarEntry[]): Buffer {
  const blocks: Buffer[] = [];
  for (const { name, mode, content = Buffer.alloc(0), link } of entries) {
    const isFolder = name.endsWith('/');
    const head = Buffer.alloc(512);
    head.write(name, 0);
    head.write(`${(mode ?? (isFolder ? 0o755 : 0o644)).toString(8).padStart(7, '0')}\0`, 100);
    head.write('0000000\0', 108);
    head.write('0000000\0', 116);
    head.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
    head.write('00000000000\0', 136);
    head.write('        ', 148);
    head.write(link !== undefined ? '2' : isFolder ? '5' : '0', 156);
    if (link !== undefined) head.write(link, 157);
    head.write('ustar\x0000', 257);
    const sum = head.reduce((total, byte) => total + byte, 0);
    head.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    blocks.push(head, content, Buffer.alloc((512 - (content.length % 512)) % 512));
  }
  blocks.push(Buffer.alloc(1024));
  return Buffer.concat(blocks);
}

export interface ImageSpec {
  tags: string[];
  layers: TarEntry[][];
  config: { Entrypoint?: string[]; Cmd?: string[]; User?: string; Labels?: Record<string, string> };
  created: string;
}

function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Writes an image as `docker save` does; `docker load` and `ctr images import` read it. Returns its config's digest. */
export function writeImage(file: string, image: ImageSpec): string {
  const layers = image.layers.map((entries) => tar(entries));
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
      os: 'linux',
      created: image.created,
      config: image.config,
      rootfs: { type: 'layers', diff_ids: layers.map((layer) => `sha256:${digest(layer)}`) },
      history: layers.map((_, at) => ({ created: image.created, created_by: `layer ${at}` })),
    }),
  );
  const name = `${digest(config)}.json`;
  const names = layers.map((_, at) => `${at}/layer.tar`);
  const manifest = [{ Config: name, RepoTags: image.tags, Layers: names }];
  writeFileSync(
    file,
    tar([
      { name, content: config },
      ...layers.flatMap((content, at) => [{ name: `${at}/` }, { name: names[at]!, content }]),
      { name: 'manifest.json', content: Buffer.from(JSON.stringify(manifest)) },
    ]),
  );
  return `sha256:${digest(config)}`;
}
