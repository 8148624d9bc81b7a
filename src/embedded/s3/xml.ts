/** XML in and out. Answers are built by hand: a page of 1,000 keys must cost microseconds each, not milliseconds. */
import { XMLParser } from 'fast-xml-parser';
import { S3Error } from './errors.ts';

export const XML_NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';
export const XML_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n';

// Control characters are written as references: not all are XML 1.0, but it is what AWS answers without encoding-type.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what has to be found
const SPECIAL = /[&<>"\u0000-\u001f\u007f\ufffe\uffff]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const SPECIALS = /[&<>"\u0000-\u001f\u007f\ufffe\uffff]/g;
const NAMED: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Text for an element's content or a quoted attribute. */
export function escapeXml(text: string): string {
  if (!SPECIAL.test(text)) return text;
  return text.replace(SPECIALS, (char) => NAMED[char] ?? `&#x${char.charCodeAt(0).toString(16).toUpperCase()};`);
}

/** One element with text in it. */
export function element(name: string, text: string | number | boolean): string {
  return `<${name}>${typeof text === 'string' ? escapeXml(text) : text}</${name}>`;
}

/** A whole document around its content. */
export function document(root: string, content: string): string {
  return `${XML_HEAD}<${root} xmlns="${XML_NAMESPACE}">${content}</${root}>`;
}

const parser = new XMLParser({
  ignoreAttributes: true,
  ignoreDeclaration: true,
  ignorePiTags: true,
  removeNSPrefix: true,
  parseTagValue: false,
  // A key may begin or end with spaces.
  trimValues: false,
  // No expansion of entities at all; the five of XML itself are undone below.
  processEntities: false,
});

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescapeXml(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&(?:#x([0-9a-fA-F]{1,6})|#([0-9]{1,7})|([a-z]{2,4}));/g, (whole, hex, decimal, name) => {
    if (name !== undefined) return ENTITIES[name] ?? whole;
    const point = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    return point <= 0x10ffff && (point < 0xd800 || point > 0xdfff) ? String.fromCodePoint(point) : whole;
  });
}

/** An element of a request's document. */
export class XmlNode {
  readonly #value: unknown;

  constructor(value: unknown) {
    this.#value = value;
  }

  /** The text of the child of this name, null when there is none. Throws MalformedXML when it has children or repeats. */
  text(name: string): string | null {
    const child = this.#child(name);
    if (child === undefined) return null;
    if (typeof child !== 'string') throw new S3Error('MalformedXML');
    return unescapeXml(child);
  }

  /** The children of this name in their order; none at all is an empty list. */
  all(name: string): XmlNode[] {
    const child = this.#child(name);
    if (child === undefined) return [];
    return (Array.isArray(child) ? child : [child]).map((one) => new XmlNode(one));
  }

  #child(name: string): unknown {
    if (typeof this.#value !== 'object' || this.#value === null) return undefined;
    return Object.hasOwn(this.#value, name) ? (this.#value as Record<string, unknown>)[name] : undefined;
  }
}

/** Parses a request's document and returns its root element. Throws MalformedXML for anything else. */
export function parseXml(bytes: Buffer, root: string): XmlNode {
  const xml = bytes.toString('utf8');
  // Neither has a use in a request to S3; a document type is where entity attacks live.
  if (xml.includes('<!')) throw new S3Error('MalformedXML');
  let parsed: unknown;
  try {
    parsed = parser.parse(xml, true);
  } catch (cause) {
    throw Object.assign(new S3Error('MalformedXML'), { cause });
  }
  const nodes = new XmlNode(parsed).all(root);
  const [node] = nodes;
  if (node === undefined || nodes.length !== 1) throw new S3Error('MalformedXML');
  return node;
}
