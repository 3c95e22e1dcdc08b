import { redirect } from "next/navigation";
import { LoginForm } from "@/components/LoginForm";
import { currentUser } from "@/lib/session";

export default async function LoginPage() {
  if ((await currentUser()) !== null) redirect("/");
  return (
    <main className="login">
      <h1 className="brand">CacaoConnect</h1>
      <LoginForm />
      <p className="note">Demo users: ama or luis, password cacao.</p>
    </main>
  );
}
