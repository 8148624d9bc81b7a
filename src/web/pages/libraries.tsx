/** The libraries: where each is, on disk and in which bucket. */
import { useLibraries } from '../api/lists.ts';
import { hrefOf } from '../logic/routes.ts';
import { Answered, Badge, Empty, Heading } from '../ui/parts.tsx';
import { Link } from '../ui/router.tsx';

export function LibrariesPage() {
  const libraries = useLibraries();
  return (
    <>
      <Heading title="Libraries">
        <Link className="button primary" href={hrefOf('library', 'new')}>
          Add a library
        </Link>
      </Heading>
      <Answered query={libraries}>
        {(all) =>
          all.length === 0 ? (
            <Empty>There is no library yet.</Empty>
          ) : (
            <div className="scroll">
              <table>
                <thead>
                  <tr>
                    <th scope="col">Name</th>
                    <th scope="col">On disk</th>
                    <th scope="col">In S3</th>
                    <th scope="col">By itself</th>
                  </tr>
                </thead>
                <tbody>
                  {all.map(({ id, name, root, bucket, prefix, sync }) => (
                    <tr key={id}>
                      <td>
                        <Link href={hrefOf('library', id)}>{name}</Link>
                      </td>
                      <td className="path">{root}</td>
                      <td className="path">
                        {bucket}/{prefix}
                      </td>
                      <td>{sync === 'both' ? <Badge tone="good">Two-way sync</Badge> : 'Reconciliation only'}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Answered>
    </>
  );
}
