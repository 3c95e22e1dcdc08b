const FIGURES = [
  { name: "Lots on offer", value: "38", note: "6 new this week" },
  { name: "In transit", value: "12.4 t", note: "3 containers" },
  { name: "Cacao, New York", value: "$7,412 / t", note: "sample figure" },
] as const;

const LOTS = [
  { id: "GH-2041", origin: "Ashanti, Ghana", variety: "Amelonado", tonnes: 2.5, state: "Available" },
  { id: "EC-1187", origin: "Los Ríos, Ecuador", variety: "Nacional", tonnes: 1.2, state: "Reserved" },
  { id: "PE-0932", origin: "San Martín, Peru", variety: "Criollo", tonnes: 0.8, state: "Available" },
] as const;

export default function Overview() {
  return (
    <>
      <h1>Overview</h1>
      <dl className="figures">
        {FIGURES.map(({ name, value, note }) => (
          <div key={name} className="card">
            <dt>{name}</dt>
            <dd>{value}</dd>
            <dd className="note">{note}</dd>
          </div>
        ))}
      </dl>
      <section className="card">
        <h2>Latest lots</h2>
        <table>
          <thead>
            <tr>
              <th>Lot</th>
              <th>Origin</th>
              <th>Variety</th>
              <th className="number">Tonnes</th>
              <th>State</th>
            </tr>
          </thead>
          <tbody>
            {LOTS.map(({ id, origin, variety, tonnes, state }) => (
              <tr key={id}>
                <td>{id}</td>
                <td>{origin}</td>
                <td>{variety}</td>
                <td className="number">{tonnes}</td>
                <td>
                  <span className="state" data-state={state}>
                    {state}
                  </span>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </>
  );
}
