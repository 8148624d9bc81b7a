import { describe, expect, test } from 'vitest';
import { contractS3, etagOf, failureOf, needs } from '../support/contract-s3.ts';
import { Uploads } from '../support/contract-s3-uploads.ts';

describe('S3 server, multipart uploads under a condition', () => {
  const s3 = contractS3();
  const up = () => new Uploads(s3());

  test('If-None-Match: * makes a new object', async () => {
    const { id, done } = await up().small('if/new');
    await up().complete('if/new', id, done, { IfNoneMatch: '*' });
    expect((await s3().read('if/new')).toString()).toBe('small');
  });

  needs('conditional-complete')('If-None-Match: * does not replace what came in between', async () => {
    const { id, done } = await up().small('if/there');
    await s3().put('if/there', 'first');
    const refusal = await failureOf(up().complete('if/there', id, done, { IfNoneMatch: '*' }));
    expect(refusal).toEqual({ name: 'PreconditionFailed', status: 412 });
    expect((await s3().read('if/there')).toString()).toBe('first');
  });

  needs('conditional-complete')('If-Match replaces only the version it names', async () => {
    const etag = await s3().put('if/match', 'first');
    const wrong = await up().small('if/match', 'wrong');
    const refusal = await failureOf(up().complete('if/match', wrong.id, wrong.done, { IfMatch: etagOf('other') }));
    expect(refusal).toEqual({ name: 'PreconditionFailed', status: 412 });
    expect((await s3().read('if/match')).toString()).toBe('first');
    const right = await up().small('if/match', 'right');
    await up().complete('if/match', right.id, right.done, { IfMatch: etag });
    expect((await s3().read('if/match')).toString()).toBe('right');
  });

  needs('conditional-complete')('of many that make one new object at once exactly one wins', async () => {
    const racing = await Promise.all(Array.from({ length: 8 }, (_, i) => up().small('if/race', `upload ${i}`)));
    const completing = racing.map(({ id, done }) => up().complete('if/race', id, done, { IfNoneMatch: '*' }));
    const putting = Array.from({ length: 4 }, (_, i) => s3().put('if/race', `put ${i}`, { IfNoneMatch: '*' }));
    const settled = await Promise.allSettled([...completing, ...putting]);
    const won = settled.flatMap((outcome, i) => (outcome.status === 'fulfilled' ? [i] : []));
    expect(won.length).toBe(1);
    const winner = won[0]! < 8 ? `upload ${won[0]}` : `put ${won[0]! - 8}`;
    expect((await s3().read('if/race')).toString()).toBe(winner);
  });
});
