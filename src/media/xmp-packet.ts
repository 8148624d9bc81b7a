/** From the bytes of an XMP packet to its properties, by names with the usual prefixes whatever the packet calls them. */
import { XMLParser } from 'fast-xml-parser';

/** Bytes; edits of RAW pictures with masks can be this long. */
const MOST_BYTES = 4 << 20;
/** Tags, attributes and entities: with more the parser would keep everything else waiting. */
const MOST_MARKUP = 10_000;

const ATTRIBUTE = '@';

const PREFIXES: ReadonlyMap<string, string> = new Map([
  ['http://www.w3.org/1999/02/22-rdf-syntax-ns#', 'rdf'],
  ['http://purl.org/dc/elements/1.1/', 'dc'],
  ['http://ns.adobe.com/xap/1.0/', 'xmp'],
  ['http://ns.adobe.com/photoshop/1.0/', 'photoshop'],
  ['http://ns.adobe.com/tiff/1.0/', 'tiff'],
  ['http://ns.adobe.com/exif/1.0/', 'exif'],
  ['http://cipa.jp/exif/1.0/', 'exifEX'],
  ['http://ns.adobe.com/exif/1.0/aux/', 'aux'],
]);

type Node = string | { readonly [name: string]: Node } | readonly Node[];

export interface XmpProperties {
  /** A simple value, or the first of a list. */
  text(name: string): string | undefined;
  list(name: string): readonly string[];
}

/** Null when it is no XMP, too long, or has a document type: packets need none, bombs do. */
export function xmpProperties(packet: Buffer): XmpProperties | null {
  if (packet.length > MOST_BYTES) return null;
  const xml = decode(packet);
  if (/<!(?:DOCTYPE|ENTITY)/i.test(xml) || markupIn(xml) > MOST_MARKUP) return null;
  const root = parse(xml);
  const rdf = root === null ? [] : childrenOf(root, /(?:^|:)RDF$/);
  const descriptions = rdf.flatMap((node) => childrenOf(node, /(?:^|:)Description$/, 1));
  if (descriptions.length === 0) return null;
  const named = usualNames([root, ...rdf, ...descriptions]);
  const properties = new Map<string, Node>();
  for (const [name, value] of descriptions.flatMap(entriesOf)) {
    const usual = named(name);
    if (!properties.has(usual)) properties.set(usual, value);
  }
  const list = (name: string) => textsOf(properties.get(name), 0);
  return { list, text: (name) => list(name)[0] };
}

/** UTF-8, or UTF-16 by its byte order mark. */
function decode(packet: Buffer): string {
  const [first, second] = packet;
  if (first === 0xff && second === 0xfe) return new TextDecoder('utf-16le').decode(packet);
  if (first === 0xfe && second === 0xff) return new TextDecoder('utf-16be').decode(packet);
  return new TextDecoder().decode(packet);
}

function markupIn(xml: string): number {
  let count = 0;
  for (const mark of ['<', '=', '&']) {
    for (let at = xml.indexOf(mark); at >= 0 && count <= MOST_MARKUP; at = xml.indexOf(mark, at + 1)) count++;
  }
  return count;
}

function parse(xml: string): Node | null {
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: ATTRIBUTE,
    parseTagValue: false,
    parseAttributeValue: false,
    // Character references (&#10;) are among what the parser calls HTML.
    htmlEntities: true,
    maxNestedTags: 32,
  });
  try {
    return parser.parse(xml) as Node;
  } catch {
    return null;
  }
}

/** Elements of a name up to so many levels below; an RDF may stand alone or in an x:xmpmeta. */
function childrenOf(node: Node, name: RegExp, levels = 2): Node[] {
  if (levels === 0) return [];
  return entriesOf(node).flatMap(([key, value]) => {
    if (name.test(key)) return Array.isArray(value) ? value : [value];
    return childrenOf(value, name, levels - 1);
  });
}

function entriesOf(node: Node | null): [string, Node][] {
  if (node === null || typeof node === 'string') return [];
  return Array.isArray(node) ? node.flatMap(entriesOf) : Object.entries(node);
}

/** Renames by the namespaces that the nodes declare; older programs call xmp: xap:. */
function usualNames(nodes: readonly (Node | null)[]): (name: string) => string {
  const usual = new Map<string, string>();
  for (const [name, value] of nodes.flatMap(entriesOf).flatMap((entry) => [entry, ...entriesOf(entry[1])])) {
    const prefix = /^@xmlns:(.+)$/.exec(name)?.[1];
    const known = typeof value === 'string' ? PREFIXES.get(value) : undefined;
    if (prefix !== undefined && known !== undefined) usual.set(prefix, known);
  }
  return (name) => {
    const [prefix = '', local] = name.replace(ATTRIBUTE, '').split(':');
    return local === undefined ? prefix : `${usual.get(prefix) ?? prefix}:${local}`;
  };
}

/** The texts of a value: itself, or the items of the list that it holds, the default language first. */
function textsOf(value: Node | undefined, depth: number): string[] {
  if (value === undefined || depth > 4) return [];
  if (typeof value === 'string') return value === '' ? [] : [value];
  if (Array.isArray(value)) {
    const byDefault = (node: Node) => Number(Object(node)['@xml:lang'] === 'x-default');
    return value.toSorted((a, b) => byDefault(b) - byDefault(a)).flatMap((item) => textsOf(item, depth + 1));
  }
  return entriesOf(value).flatMap(([name, inner]) => (name.startsWith(ATTRIBUTE) ? [] : textsOf(inner, depth + 1)));
}
