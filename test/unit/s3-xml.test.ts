import fc from 'fast-check';
import { expect, test } from 'vitest';
import { S3Error } from '../../src/embedded/s3/errors.ts';
import { document, element, parseXml } from '../../src/embedded/s3/xml.ts';

const parse = (xml: string, root = 'Delete') => parseXml(Buffer.from(xml), root);

test('any text survives being written and read again', () => {
  const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(text, (value) => {
      expect(parse(document('Delete', element('Key', value))).text('Key')).toBe(value);
    }),
    { numRuns: 500 },
  );
});

test('blanks at the ends of a key, and marks written as references, are kept', () => {
  const root = parse('<Delete><Object><Key>  a&#32;b&#x20AC;&amp;amp;&#xD;\n </Key></Object></Delete>');
  expect(root.all('Object')[0]?.text('Key')).toBe('  a b€&amp;\r\n ');
});

test('one child and many are both a list, in their order', () => {
  expect(parse('<Delete><Object><Key>1</Key></Object></Delete>').all('Object')).toHaveLength(1);
  const many = parse('<Delete><Object><Key>2</Key></Object><Quiet>true</Quiet><Object><Key>1</Key></Object></Delete>');
  expect(many.all('Object').map((node) => node.text('Key'))).toEqual(['2', '1']);
  expect(parse('<Delete></Delete>').all('Object')).toEqual([]);
});

test('numbers and booleans stay the text they were', () => {
  expect(parse('<Delete><Key>007</Key></Delete>').text('Key')).toBe('007');
  expect(parse('<Delete><Key>1e3</Key></Delete>').text('Key')).toBe('1e3');
});

test('a namespace or prefix makes no difference', () => {
  const xml = '<s3:Delete xmlns:s3="http://s3.amazonaws.com/doc/2006-03-01/"><s3:Key>a</s3:Key></s3:Delete>';
  expect(parse(xml).text('Key')).toBe('a');
});

test.each([
  ['nothing', ''],
  ['no XML', 'hello'],
  ['an element that is left open', '<Delete><Object>'],
  ['another root', '<Other/>'],
  ['two roots', '<Delete></Delete><Delete></Delete>'],
  ['a document type with entities', '<!DOCTYPE a [<!ENTITY b "c">]><Delete><Key>&b;</Key></Delete>'],
  ['a section of character data', '<Delete><Key><![CDATA[&amp;]]></Key></Delete>'],
  ['depth without end', `<Delete>${'<a>'.repeat(5000)}${'</a>'.repeat(5000)}</Delete>`],
])('%s is refused as MalformedXML', (_what, xml) => {
  expect(() => parse(xml)).toThrow(expect.objectContaining({ code: 'MalformedXML' }));
});

test('a text that is none, or is given twice, is refused', () => {
  const twice = parse('<Delete><Key>a</Key><Key>b</Key></Delete>');
  expect(() => twice.text('Key')).toThrow(S3Error);
  expect(() => parse('<Delete><Key><Inner>a</Inner></Key></Delete>').text('Key')).toThrow(S3Error);
});

test('names of every object’s own properties are no children', () => {
  const root = parse('<Delete><Key>a</Key></Delete>');
  for (const name of ['constructor', 'toString', '__proto__']) expect(root.text(name)).toBeNull();
});
