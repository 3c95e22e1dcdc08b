const CONTRACTS = [
  { id: "C-310", partner: "Chocolaterie Lumen", lot: "GH-2041", due: "12 December", terms: "Letter of credit" },
  { id: "C-307", partner: "Northwind Foods", lot: "EC-1187", due: "3 January", terms: "30 days" },
] as const;

export default function Contracts() {
  return (
    <>
      <h1>Contracts</h1>
      <ul className="cards">
        {CONTRACTS.map(({ id, partner, lot, due, terms }) => (
          <li key={id} className="card">
            <h2>{partner}</h2>
            <p>
              {id}, lot {lot}
            </p>
            <p className="note">
              {terms}, due {due}
            </p>
          </li>
        ))}
      </ul>
    </>
  );
}
