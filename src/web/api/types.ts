/** The words of the API, as its client has them. */
import type { Client, RunEvent, RunReport } from '../../client/client.ts';

type Api = Client['api'];
type Call = (...args: never[]) => Promise<{ json(): Promise<unknown> }>;
type Answer<Of extends Call> = Awaited<ReturnType<Awaited<ReturnType<Of>>['json']>>;

export type Health = Answer<Api['health']['$get']>;
export type Overview = Answer<Api['overview']['$get']>;
export type Library = Answer<Api['libraries']['$get']>['libraries'][number];
export type LibraryTrial = Answer<Api['libraries']['check']['$post']>;
export type Album = Answer<Api['albums']['$get']>['albums'][number];
export type Photo = Answer<Api['photos'][':id']['$get']>;
export type PhotoState = Photo['state'];
export type Sides = Answer<Api['photos'][':id']['sides']['$get']>;
export type Run = Answer<Api['runs']['$get']>['runs'][number];
export type RunAction = Answer<Api['runs'][':id']['actions']['$get']>['actions'][number];
export type Archived = Answer<Api['archive']['$get']>['archived'][number];
export type Comparison = Answer<Api['s3']['compare']['$post']>;
export type FilesReport = Answer<Api['s3']['upload']['$post']>;
export type Report = RunReport;
export type Plan = Answer<Api['runs'][':id']['plan']['$get']>;
export type PlanGroup = Plan['groups'][number];
export type Action = Answer<Api['runs'][':id']['plan']['steps']['$get']>['steps'][number];
export type Failure = Report['failures'][number];
export type RunProgress = Extract<RunEvent, { event: 'progress' }>['data'];
export type SyncRequest = NonNullable<Parameters<Api['sync']['$post']>[0]>['json'];
