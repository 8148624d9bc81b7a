import { describe, expect, test } from 'vitest';
import { copiedEtag } from '../../src/bucket/send-copy.ts';

const XML = '<?xml version="1.0" encoding="UTF-8"?>';
const TIME = '<LastModified>2026-11-21T18:14:44.000Z</LastModified>';
const MD5 = 'd41d8cd98f00b204e9800998ecf8427e';
const result = (inner: string) =>
  `<CopyObjectResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inner}</CopyObjectResult>`;

describe("the ETag in a CopyObject's answer", () => {
  test.each([
    ['as Amazon writes it', `${XML}\n${result(`${TIME}<ETag>&quot;${MD5}&quot;</ETag>`)}`, MD5],
    ['with plain quotation marks', `${XML}${result(`<ETag>"${MD5}"</ETag>${TIME}`)}`, MD5],
    ['with quotation marks by number', result(`<ETag>&#34;${MD5}-3&#34;</ETag>`), `${MD5}-3`],
    ['without any, as Ceph does', `${XML}${result(`${TIME}<ETag>${MD5}</ETag>`)}`, MD5],
    ['after the spaces of a long wait', `   \n${XML}\n \n${result(` ${TIME}\n <ETag>"${MD5}"</ETag>\n`)}\n`, MD5],
    ['beside a checksum', result(`<ETag>"${MD5}"</ETag><ChecksumCRC32>AAAAAA==</ChecksumCRC32>`), MD5],
    ['that is empty', result(`${TIME}<ETag></ETag>`), ''],
    ['that is not there', `<CopyObjectResult>${TIME}</CopyObjectResult>`, ''],
  ])('is read %s', (_how, body, etag) => {
    expect(copiedEtag(body)).toBe(etag);
  });

  test.each([
    ['an error', `${XML}<Error><Code>InternalError</Code><Message>We encountered an error</Message></Error>`],
    ['an error beside a result', `${XML}${result(`<ETag>"${MD5}"</ETag>`)}<Error><Code>SlowDown</Code></Error>`],
    ['an error in a result', result(`<ETag>"${MD5}"</ETag><Error><Code>SlowDown</Code></Error>`)],
    ['a result that breaks off', result(`<ETag>"${MD5}"</ETag>`).slice(0, -5)],
    ['an element that breaks off', result(`<ETag>"${MD5}"`)],
    ['nothing', ''],
    ['spaces', ' \n'.repeat(100_000)],
    ['a page for people', '<html><body>CopyObjectResult</body></html>'],
    ['a result of something else', `<CopyPartResult><ETag>"${MD5}"</ETag></CopyPartResult>`],
    ['an ETag in an unusual form', result(`<ETag>&#x22;${MD5}&#x22;</ETag>`)],
    ['an ETag with a namespace', result(`<ETag xmlns="x">"${MD5}"</ETag>`)],
  ])('is left to the SDK in %s', (_what, body) => {
    expect(copiedEtag(body)).toBeNull();
  });
});
